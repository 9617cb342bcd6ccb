/**
 * Lengths of texts whose columns have none. What a step, a hook or a person hands in must not fill a page or a row: each
 * is read again and again by those who never asked for it.
 */
export const longest = {
  /** Of a state, a reason or a description: a line or two that people read. */
  sentence: 1000,
  /** Of a note that a user writes: a paragraph. */
  note: 2000,
  /** Of a name, or anything else that is looked up or shown as a whole. */
  name: 1000,
  /** Of an address; a longer one leads nowhere when it is cut. */
  url: 2000,
  /** Of the message of a commit. */
  comments: 10_000_000,
} as const;

/**
 * Text as a column of `length` characters can hold it. PostgreSQL refuses NUL and counts code points, so a cut never
 * splits a surrogate pair; what is no Unicode at all becomes U+FFFD, as it would on its way to the database anyway.
 */
export function truncateText(text: string, length: number): string {
  const clean = text.replace(/[\0\p{Surrogate}]/gu, "\ufffd");
  if (clean.length <= length) return clean;
  let units = 0;
  let points = 0;
  for (const character of clean) {
    if (points === length) return clean.slice(0, units);
    points += 1;
    units += character.length;
  }
  return clean;
}

/** The same for a column that may be null. */
export function fitNullable(text: string | null | undefined, length: number): string | null {
  return text === null || text === undefined ? null : truncateText(text, length);
}

const largest = 2 ** 31 - 1;

/** A number as a 32-bit integer column can hold it. */
export function fitInteger(value: number): number {
  if (Number.isNaN(value)) return 0;
  return Math.max(-largest, Math.min(largest, Math.trunc(value)));
}
