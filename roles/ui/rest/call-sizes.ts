import { nounOfTarget } from "../access/nouns.ts";

const mebibyte = 1024 * 1024;

/** Maximum size of most calls' bodies. */
const usualBytes = mebibyte;
/** A change lists its files, a form may contain a long pasted text, and a try contains a difference. */
const bytesByNoun: Readonly<Record<string, number>> = {
  changes: 16 * mebibyte,
  forceschedulers: 16 * mebibyte,
  tryschedulers: 16 * mebibyte,
};

/** A body of this size is read from any client, so that a refusal can name the refused action. */
const smallBytes = 16 * 1024;

/** The maximum size of the body of a POST on this path. */
export function maxBodyOf(path: readonly string[]): number {
  const noun = nounOfTarget(path) ?? "";
  return Object.hasOwn(bytesByNoun, noun) ? (bytesByNoun[noun] as number) : usualBytes;
}

/** Whether a body is known to be small. */
export function isSmall(contentLength: string | undefined): boolean {
  return contentLength !== undefined && /^\d{1,6}$/.test(contentLength) && Number(contentLength) <= smallBytes;
}
