import { createHash } from "node:crypto";

const nul = Buffer.from([0]);
const none = Buffer.from([0xf5]);

/** The value of a `*_hash` column: SHA-1 over the arguments with a NUL between them (docs/spec/database.md §2). */
export function hashColumns(...values: readonly (string | number | null)[]): string {
  const hash = createHash("sha1");
  values.forEach((value, i) => {
    if (i > 0) hash.update(nul);
    hash.update(value === null ? none : String(value));
  });
  return hash.digest("hex");
}
