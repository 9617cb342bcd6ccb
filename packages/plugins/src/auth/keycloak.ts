import type { PluginDescriptor } from "@multimaster/config";
import openIdConnect from "./openid-connect.ts";

export interface KeycloakOptions {
  /** Such as https://keycloak.example.org */
  readonly url: string;
  readonly realm: string;
  readonly clientId: string;
  readonly clientSecret: string;
  /** Claim of the client's "Group Membership" mapper. */
  readonly groupsClaim?: string;
  /** Groups; only their members may log in. Absent: all users of the realm. */
  readonly groups?: string[];
}

/** Login by a realm of Keycloak. */
export default function keycloak({ url, realm, ...rest }: KeycloakOptions): PluginDescriptor<"auth"> {
  const issuer = `${url.replace(/\/+$/, "")}/realms/${encodeURIComponent(realm)}`;
  return openIdConnect({ name: "Keycloak", icon: "fa-key", users: "ours", issuer, ...rest });
}
