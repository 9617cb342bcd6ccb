import { nounOfTarget } from "../access/nouns.ts";

const mebibyte = 1024 * 1024;

/** What a call may say by its body; most of them say a word. */
const usualBytes = mebibyte;
/** A change lists its files, and a form may hold a text that somebody pastes. */
const bytesByNoun: Readonly<Record<string, number>> = { changes: 16 * mebibyte, forceschedulers: 16 * mebibyte };

/** A body of this size is read from anybody, so that the refusal can say what it refuses. */
const smallBytes = 16 * 1024;

/** The most that the body of a POST on this path may be. */
export function maxBodyOf(path: readonly string[]): number {
  const noun = nounOfTarget(path) ?? "";
  return Object.hasOwn(bytesByNoun, noun) ? (bytesByNoun[noun] as number) : usualBytes;
}

/** Whether a body is known to be small. */
export function isSmall(contentLength: string | undefined): boolean {
  return contentLength !== undefined && /^\d{1,6}$/.test(contentLength) && Number(contentLength) <= smallBytes;
}
