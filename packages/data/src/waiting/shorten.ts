import { countOthers, type Reason, type ReasonKind, someNames } from "./reasons.ts";

/** As many of one kind as people read; the rest is a number. */
const mostOfKind = 5;

/** A reason that is put into words only if it is shown: a farm has thousands of workers, and few are named. */
export interface Finding {
  readonly kind: ReasonKind;
  describe(): Reason;
}

/** The first few of each kind, and how many more there are. */
export function shorten(findings: readonly Finding[]): Reason[] {
  const seen = new Map<string, number>();
  for (const { kind } of findings) seen.set(kind, (seen.get(kind) ?? 0) + 1);
  const shown = new Map<string, number>();
  return findings.flatMap(({ kind, describe }) => {
    const nth = (shown.get(kind) ?? 0) + 1;
    shown.set(kind, nth);
    if (nth <= mostOfKind) return describe();
    const more = (seen.get(kind) ?? 0) - mostOfKind;
    const sentence = more === 1 ? "1 more worker is in the same state." : `${more} more workers are in the same state.`;
    return nth === mostOfKind + 1 ? { kind, sentence, facts: { more } } : [];
  });
}

/** Names of workers as facts: the first of many, and then how many more there are. */
export function nameFacts(lists: Readonly<Record<string, readonly string[]>>): Record<string, string[] | number> {
  return Object.fromEntries(
    Object.entries(lists).flatMap(([key, names]) => {
      const more = countOthers(names);
      return [[key, someNames(names)] as const, ...(more > 0 ? [[`${key}_more`, more] as const] : [])];
    }),
  );
}
