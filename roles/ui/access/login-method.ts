import { createHash } from "node:crypto";
import type { Authenticator } from "@multimaster/plugins";

/** Identifies the login of a session: its kind and, for a provider, issuer and client. Sessions of another login are invalid. */
export function loginMethod(type: string, authenticator: Authenticator): string {
  if (authenticator.kind !== "redirect") return type;
  const realm = createHash("sha256").update(authenticator.realm).digest("base64url").slice(0, 12);
  return `${type}:${realm}`;
}
