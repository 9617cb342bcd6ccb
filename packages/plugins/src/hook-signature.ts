import { createHmac } from "node:crypto";
import { errors, isSameSecret } from "@multimaster/core";
import type { HookCheck, HookHead } from "./define-hook.ts";

interface Secret {
  readonly secret?: string | undefined;
  readonly strict: boolean;
}

/** A header in which a forge signs the body: a hexadecimal HMAC after a prefix. */
export interface HmacHeader {
  readonly header: string;
  readonly algorithm: "sha256" | "sha1";
  readonly prefix: string;
}

const hexDigits = { sha256: 64, sha1: 40 } as const;

/** Checks the body's HMAC; the first header present counts, so the strongest must come first. */
export function checkHmac(
  { secret, strict }: Secret,
  headers: readonly [HmacHeader, ...HmacHeader[]],
): HookCheck | undefined {
  if (secret === undefined) return undefined;
  const find = (request: HookHead) => headers.find(({ header }) => headerOf(request, header) !== undefined);
  return {
    head(request) {
      const used = find(request);
      if (!used) return requireHeader(headers[0].header, strict);
      const { header, prefix, algorithm } = used;
      const given = headerOf(request, header) as string;
      if (!given.startsWith(prefix) || given.length !== prefix.length + hexDigits[algorithm])
        throw errors.signatureWrong(header);
    },
    body(request) {
      const used = find(request);
      if (!used) return requireHeader(headers[0].header, strict);
      const right = used.prefix + createHmac(used.algorithm, secret).update(request.body).digest("hex");
      if (!isSameSecret(headerOf(request, used.header) as string, right)) throw errors.signatureWrong(used.header);
    },
  };
}

/** Checks a secret sent in plain form, in a header or elsewhere. */
export function checkToken(
  { secret, strict }: Secret,
  what: string,
  read: (request: HookHead) => string | undefined,
): HookCheck | undefined {
  if (secret === undefined) return undefined;
  return {
    head(request) {
      const given = read(request);
      if (given === undefined || given === "") return requireHeader(what, strict);
      if (!isSameSecret(given, secret)) throw errors.signatureWrong(what);
    },
  };
}

function requireHeader(what: string, strict: boolean): void {
  if (strict) throw errors.signatureMissing(what);
}

function headerOf({ headers }: HookHead, name: string): string | undefined {
  return headers[name.toLowerCase()] || undefined;
}
