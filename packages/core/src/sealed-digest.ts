import { createCipheriv, createDecipheriv, createHash, randomBytes } from "node:crypto";
import { explainFileError } from "./file-errors.ts";
import { readPrivateFile } from "./private-file.ts";

const form = /^md5-sealed:([\w-]{16}):([\w-]{22}):([\w-]{22})$/;
const keyBytes = 32;

/** Whether a text has the form of what `sealPasswordMd5` returns. */
export function isSealedDigest(text: string): boolean {
  return form.test(text);
}

/**
 * MD5 of a worker's password, encrypted for the config or a row (AES-256-GCM). Perspective Broker's login needs this digest, which is as
 * good as the password there. It is bound to the worker's name: copied to another worker, it cannot be opened.
 */
export function sealPasswordMd5(key: Buffer, worker: string, password: string): string {
  const nonce = randomBytes(12);
  const cipher = createCipheriv("aes-256-gcm", key, nonce).setAAD(Buffer.from(worker));
  const digest = createHash("md5").update(password, "utf8").digest();
  const sealed = Buffer.concat([cipher.update(digest), cipher.final()]);
  return ["md5-sealed", ...[nonce, cipher.getAuthTag(), sealed].map((part) => part.toString("base64url"))].join(":");
}

/** The digest; undefined if it was sealed with another key or for another worker. */
export function openPasswordMd5(key: Buffer, worker: string, text: string): Buffer | undefined {
  const parts = form
    .exec(text)
    ?.slice(1)
    .map((part) => Buffer.from(part, "base64url"));
  if (parts === undefined) return undefined;
  const [nonce, tag, sealed] = parts as [Buffer, Buffer, Buffer];
  try {
    const decipher = createDecipheriv("aes-256-gcm", key, nonce, { authTagLength: 16 });
    decipher.setAAD(Buffer.from(worker)).setAuthTag(tag);
    return Buffer.concat([decipher.update(sealed), decipher.final()]);
  } catch {
    return undefined;
  }
}

/** Reads the cluster's sealing key; throws an error whose message is a sentence's end, after the file's name. */
export async function readSealingKey(file: string): Promise<Buffer> {
  const { text, isOpen } = await readPrivateFile(file).catch((error: unknown) => {
    throw new Error(`${file} cannot be read: ${explainFileError(error) ?? String(error)}`, { cause: error });
  });
  if (isOpen) throw new Error(`${file} is not used: other users of this machine can read it: chmod 600 ${file}`);
  const key = Buffer.from(text.trim(), "base64");
  if (!/^[A-Za-z0-9+/]{43}=$/.test(text.trim()) || key.length !== keyBytes)
    throw new Error(
      `${file} does not hold ${keyBytes} bytes in base64, as "openssl rand -base64 ${keyBytes}" makes them`,
    );
  return key;
}
