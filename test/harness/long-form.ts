/** Whether the long form of a test runs (`npm run test:long` and others): `npm test` has a short form of the same. */
export const isLong = Boolean(process.env["MULTIMASTER_LONG"]);

/** All of `cases` in the long form, and the first `count` of them in `npm test`: the others differ little from these. */
export function firstOf<T>(cases: readonly T[], count: number): readonly T[] {
  return isLong ? cases : cases.slice(0, count);
}
