/** Something with a name and an address, which the palette can find. */
export interface Findable {
  readonly kind: string;
  readonly name: string;
  /** Also found by this text, which is not shown. */
  readonly also?: string;
  readonly href: string;
}

/** The best matches of a text: names that begin with it, then names with a word that does, then names that contain it. */
export function findBest(all: readonly Findable[], text: string, limit: number): Findable[] {
  const typed = text.trim().toLowerCase();
  const build = /^(.+?)[\s#/]+(\d+)$/.exec(typed);
  const builds = build
    ? findBest(
        all.filter(({ kind }) => kind === "builder"),
        build[1] ?? "",
        3,
      ).map(({ name, href }) => ({ kind: "build", name: `${name} #${build[2]}`, href: `${href}/builds/${build[2]}` }))
    : [];
  const ranked = all
    .map((found) => ({ found, rank: rankOf(found, typed) }))
    .filter(({ rank }) => rank > 0)
    .sort((a, b) => b.rank - a.rank || a.found.name.length - b.found.name.length);
  // A name comes before a build of that number, which may not exist; what only has the words comes after it.
  const [named, others] = [ranked.filter(({ rank }) => rank >= 1), ranked.filter(({ rank }) => rank < 1)];
  return [...named.map(({ found }) => found), ...builds, ...others.map(({ found }) => found)].slice(0, limit);
}

function rankOf({ name, also = "" }: Findable, typed: string): number {
  const lower = name.toLowerCase();
  if (typed === "" || lower === typed) return 4;
  if (lower.startsWith(typed)) return 3;
  const at = lower.indexOf(typed);
  if (at > 0 && /[^a-z0-9]/.test(lower.charAt(at - 1))) return 2;
  if (at > 0 || also.toLowerCase().startsWith(typed)) return 1;
  return typed.split(/\s+/).every((word) => lower.includes(word)) ? 0.5 : 0;
}
