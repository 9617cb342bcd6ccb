import { createHmac } from "node:crypto";
import { errors, isSameSecret } from "@multimaster/core";
import type { HookRequest } from "./define-hook.ts";

interface Secret {
  readonly secret?: string | undefined;
  readonly strict: boolean;
}

/** One way in which a forge signs the body: hexadecimal HMAC, after a prefix. */
export interface HmacHeader {
  readonly header: string;
  readonly algorithm: "sha256" | "sha1";
  readonly prefix: string;
}

/** Checks the body's HMAC; of several headers the first that is there counts, so put the strongest first. */
export function checkHmac({ secret, strict }: Secret, headers: readonly [HmacHeader, ...HmacHeader[]]) {
  if (secret === undefined) return undefined;
  return (request: HookRequest): void => {
    const used = headers.find(({ header }) => headerOf(request, header) !== undefined);
    if (!used) return requireHeader(headers[0].header, strict);
    const right = used.prefix + createHmac(used.algorithm, secret).update(request.body).digest("hex");
    if (!isSameSecret(headerOf(request, used.header) as string, right)) throw errors.signatureWrong(used.header);
  };
}

/** Checks a secret that comes as it is, in a header or elsewhere. */
export function checkToken(
  { secret, strict }: Secret,
  what: string,
  read: (request: HookRequest) => string | undefined,
) {
  if (secret === undefined) return undefined;
  return (request: HookRequest): void => {
    const given = read(request);
    if (given === undefined || given === "") return requireHeader(what, strict);
    if (!isSameSecret(given, secret)) throw errors.signatureWrong(what);
  };
}

function requireHeader(what: string, strict: boolean): void {
  if (strict) throw errors.signatureMissing(what);
}

function headerOf({ headers }: HookRequest, name: string): string | undefined {
  return headers[name.toLowerCase()] || undefined;
}
