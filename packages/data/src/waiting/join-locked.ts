import { listNames, type Reason } from "./reasons.ts";

/** Engines that wait for the same lock, with as many ahead, say so in one sentence: of ten engines there would be ten lines. */
export function joinLocked(reasons: readonly Reason[]): Reason[] {
  const groups = new Map<string, Reason[]>();
  for (const [i, reason] of reasons.entries()) {
    const key = lockOf(reason) ?? String(i);
    const group = groups.get(key);
    if (group) group.push(reason);
    else groups.set(key, [reason]);
  }
  return [...groups].map(([lock, group]) => {
    const [first] = group as [Reason];
    return group.length === 1 ? first : { ...first, sentence: `On ${listNames(group.map(masterOf))}, ${lock}` };
  });
}

const masterOf = ({ facts }: Reason) => String((facts as { readonly master?: string }).master);

/** What the sentence says of the lock, if it is about an engine. */
function lockOf(reason: Reason): string | undefined {
  const beginning = `On ${masterOf(reason)}, `;
  return reason.kind === "locked" && reason.sentence.startsWith(beginning)
    ? reason.sentence.slice(beginning.length)
    : undefined;
}
