import { parseAnsi } from "./ansi.ts";
import { findLinks, type SourceAddress } from "./line-links.ts";
import type { SearchPattern } from "./search-pattern.ts";

/** A piece of a line as it is drawn: in one style, in at most one link, a hit of the search or not. */
export interface Piece {
  readonly text: string;
  readonly classes: string;
  readonly colour?: string;
  readonly background?: string;
  readonly href?: string;
  readonly isHit: boolean;
}

/** Cuts a line into its pieces. */
export function cutLine(text: string, pattern: SearchPattern | undefined, source: SourceAddress | undefined): Piece[] {
  const spans = parseAnsi(text);
  const plain = spans.map((span) => span.text).join("");
  const links = findLinks(plain, source);
  const hits = pattern?.findHits(plain) ?? [];
  if (links.length === 0 && hits.length === 0) return spans.map((span) => ({ ...span, isHit: false }));
  const pieces: Piece[] = [];
  let at = 0;
  for (const span of spans) {
    const end = at + span.text.length;
    const inside = [...links, ...hits].flatMap(({ from, to }) => [from, to]).filter((cut) => cut > at && cut < end);
    const cuts = [at, ...[...new Set(inside)].sort((a, b) => a - b), end];
    for (const [i, from] of cuts.slice(0, -1).entries()) {
      const link = links.find((each) => each.from <= from && from < each.to);
      pieces.push({
        ...span,
        text: plain.slice(from, cuts[i + 1]),
        ...(link ? { href: link.href } : {}),
        isHit: hits.some((hit) => hit.from <= from && from < hit.to),
      });
    }
    at = end;
  }
  return pieces;
}
