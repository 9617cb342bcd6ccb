import { createHash } from "node:crypto";

/** So few bits that no secret can be found by them, and enough to notice almost each change. */
const digits = 4;

/** A mark of a reporter's options, tokens among them: another one says that the config has changed. */
export function markOptions(options: object): string {
  const text = JSON.stringify(options, (_, value: unknown) => (typeof value === "function" ? String(value) : value));
  return createHash("sha256").update(text).digest("hex").slice(0, digits);
}
