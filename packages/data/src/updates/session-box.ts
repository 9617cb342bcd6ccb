import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from "node:crypto";
import type { Json } from "@multimaster/core";

const cipher = "aes-256-gcm";
const keyOf = (sessionId: string) =>
  Buffer.from(hkdfSync("sha256", sessionId, "", "multimaster grant of a session", 32));

/**
 * Encrypts what belongs to a session with the session's id. Only its browser has the id, and rows hold its hash: a
 * reader of the database cannot decrypt it.
 */
export function sealForSession(sessionId: string, value: Json): string {
  const iv = randomBytes(12);
  const sealed = createCipheriv(cipher, keyOf(sessionId), iv);
  const text = Buffer.concat([sealed.update(JSON.stringify(value), "utf8"), sealed.final()]);
  return Buffer.concat([iv, sealed.getAuthTag(), text]).toString("base64");
}

/** Undefined when the box is not of this session. */
export function openOfSession(sessionId: string, box: string): Json | undefined {
  try {
    const bytes = Buffer.from(box, "base64");
    const opened = createDecipheriv(cipher, keyOf(sessionId), bytes.subarray(0, 12));
    opened.setAuthTag(bytes.subarray(12, 28));
    const text = Buffer.concat([opened.update(bytes.subarray(28)), opened.final()]);
    return JSON.parse(text.toString("utf8")) as Json;
  } catch {
    return undefined;
  }
}
