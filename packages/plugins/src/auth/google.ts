import type { PluginDescriptor } from "@multimaster/config";
import openIdConnect from "./openid-connect.ts";

export interface GoogleOptions {
  readonly clientId: string;
  readonly clientSecret: string;
  /** Domains of Google Workspace; only their accounts may log in. Absent: anyone with a Google account. */
  readonly domains?: string[];
}

/** Login by Google; the user name is the e-mail address. */
export default function google(options: GoogleOptions): PluginDescriptor<"auth"> {
  return openIdConnect({
    name: "Google",
    icon: "fa-google",
    issuer: "https://accounts.google.com",
    usernameClaim: "email",
    // An account outside of a Workspace may have a verified address of its domain, but not this claim.
    domainClaim: "hd",
    ...options,
  });
}
