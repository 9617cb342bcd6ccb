import type { Key, Pattern } from "./contract.ts";

const badPart = /[.#\s]/;

/** Throws when `key` cannot be a topic: routers cut topics at dots, and nothing is escaped. */
export function assertKey(key: Key): void {
  assertParts(key, "key");
}

/** Throws when `pattern` could match no key. */
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

/** True when `key` has as many parts as `pattern` and each is equal or asked for with `null`. */
export function matchesPattern(pattern: Pattern, key: Key): boolean {
  return pattern.length === key.length && pattern.every((part, i) => part === null || part === key[i]);
}

/** A pattern as text, `null` as nothing: unambiguous because no part is empty and none holds a dot. */
export function patternText(pattern: Pattern): string {
  return pattern.map((part) => part ?? "").join(".");
}
