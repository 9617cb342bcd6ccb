import type { Key, Pattern } from "./contract.ts";

const badPart = /[.#\s]/;

/** Throws if `key` cannot be a topic: routers split topics at dots, and nothing is escaped. */
export function assertKey(key: Key): void {
  assertParts(key, "key");
}

/** Throws if `pattern` could match no key. */
export function assertPattern(pattern: Pattern): void {
  assertParts(pattern, "pattern");
}

function assertParts(parts: Pattern, what: string): void {
  const bad = parts.find((part) => part !== null && (part === "" || badPart.test(part)));
  if (parts.length === 0 || bad !== undefined) {
    throw new TypeError(
      `not a valid ${what}: ${JSON.stringify(parts)} (parts are not empty, without ".", "#" and white space)`,
    );
  }
}

/** A pattern as text, with `null` as an empty part: unambiguous because no part is empty and none contains a dot. */
export function patternText(pattern: Pattern): string {
  return pattern.map((part) => part ?? "").join(".");
}
