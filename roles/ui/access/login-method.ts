import { createHash } from "node:crypto";
import type { Authenticator } from "@multimaster/plugins";

/** Which login made a session: its kind and, of a provider, issuer and client. Sessions of any other do not count. */
export function loginMethod(type: string, authenticator: Authenticator): string {
  if (authenticator.kind !== "redirect") return type;
  const realm = createHash("sha256").update(authenticator.realm).digest("base64url").slice(0, 12);
  return `${type}:${realm}`;
}
