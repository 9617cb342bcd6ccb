import { linearSearch } from "@multimaster/core/linear-search";
import type { Range } from "./line-links.ts";

/** What a reader searches. An address can hold anything, and so can a log: no text makes it slow. */
export interface SearchPattern {
  test(plain: string): boolean;
  /** Where a line has it. */
  findHits(plain: string): Range[];
}

/** More of one line are not marked, so that a line of megabytes stays drawable. */
const most = 200;
/** Steps of the matcher: some milliseconds. */
const effort = 400_000;

/** What a reader typed: a text in any case, or a regular expression between slashes. Or else why it cannot be searched. */
export function createPattern(typed: string): SearchPattern | string {
  const expression = /^\/(.+)\/(i?)$/.exec(typed);
  if (!expression) return textPattern(new RegExp(typed.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&"), "i"));
  try {
    const search = linearSearch(new RegExp(expression[1] ?? "", expression[2]));
    if (typeof search === "string") return search;
    return { test: search.test, findHits: (plain) => search.findAll(plain, { most, effort }) };
  } catch {
    return "not a regular expression";
  }
}

function textPattern(text: RegExp): SearchPattern {
  const all = new RegExp(text, "gi");
  return {
    test: (plain) => text.test(plain),
    findHits(plain) {
      const hits: Range[] = [];
      for (const { index, 0: hit } of plain.matchAll(all)) {
        hits.push({ from: index, to: index + hit.length });
        if (hits.length >= most) break;
      }
      return hits;
    },
  };
}
