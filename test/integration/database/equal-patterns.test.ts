import { boundedPattern } from "@multimaster/core";
import { linearSearch } from "@multimaster/core/linear-search";
import fc from "fast-check";
import { expect, it } from "vitest";

/** Sources that `RegExp` accepts, out of parts that interact; some need lookaround or back references. */
const atom = fc.constantFrom(
  ..."a b . ^ $ \\b \\B \\d \\w \\W \\s [ab] [^a] [a-] []a] [^] \\. \\n \\x61 \\u0061 \\cA \\0 \\t é ſ k K \\k ß { } ] a{ \\- 😀 \\/ (?:) () \\u{61} \\p{L} \\1".split(
    " ",
  ),
);
const quantifier = fc.constantFrom(
  "",
  "",
  "",
  "*",
  "+",
  "?",
  "*?",
  "+?",
  "{2}",
  "{0}",
  "{1,}",
  "{0,2}",
  "{2,3}?",
  "{,2}",
);
const pattern = fc.letrec<{ source: string }>((tie) => ({
  source: fc.oneof(
    { maxDepth: 4, depthSize: "small" },
    fc.tuple(atom, quantifier).map((parts) => parts.join("")),
    fc.tuple(tie("source"), tie("source")).map((parts) => parts.join("")),
    fc.tuple(tie("source"), tie("source")).map((parts) => parts.join("|")),
    fc.tuple(fc.constantFrom("(", "(?:", "(?<n>"), tie("source"), quantifier).map(([a, b, c]) => `${a}${b})${c}`),
  ),
})).source;
const flags = fc.constantFrom("", "i", "m", "s", "u", "iu", "ims", "msu", "g", "y");
const text = fc
  .array(fc.constantFrom(..."aabbAB \n\r.-_19é{}]kKKſßs/\u2028\u0001\u0000😀\t".split(""), "😀", "\ud83d"), {
    maxLength: 8,
  })
  .map((chars) => chars.join(""));

function compiled(source: string, given: string): RegExp | undefined {
  try {
    return new RegExp(source, given);
  } catch {
    return undefined;
  }
}

it("a bounded pattern finds what the language's own expressions find", () => {
  let linear = 0;
  fc.assert(
    fc.property(pattern, flags, fc.array(text, { minLength: 1, maxLength: 6 }), (source, given, texts) => {
      const own = compiled(source, given);
      if (own === undefined) return;
      const bounded = boundedPattern(own);
      if (bounded.notLinear !== undefined) return;
      linear += 1;
      for (const each of texts) {
        const expected = each.search(new RegExp(source, given.replace("y", ""))) >= 0;
        expect({ each, found: bounded.test(each) }).toEqual({ each, found: expected });
      }
    }),
    { numRuns: 3000 },
  );
  // A third of what is generated is linear, by chance a little less or more.
  expect(linear).toBeGreaterThan(700);
});

it("a search that a reader types finds the places that the language's own expressions find", () => {
  let linear = 0;
  const typed = fc.constantFrom("", "i", "m", "s");
  fc.assert(
    fc.property(pattern, typed, fc.array(text, { minLength: 1, maxLength: 6 }), (source, given, texts) => {
      // A group that is repeated while it matches nothing ends one way here and in many ways there.
      const own = /\)[*+?{]/.test(source) ? undefined : compiled(source, `${given}g`);
      if (own === undefined) return;
      const search = linearSearch(own);
      if (typeof search === "string") return;
      linear += 1;
      for (const each of texts) {
        const expected = [...each.matchAll(own)].map(({ index, 0: hit }) => ({ from: index, to: index + hit.length }));
        const found = search.findAll(each, { most: 100, effort: 100_000 });
        expect({ each, found }).toEqual({ each, found: expected.filter(({ from, to }) => to > from) });
      }
    }),
    { numRuns: 3000 },
  );
  // A third of what is generated is linear, by chance a little less or more.
  expect(linear).toBeGreaterThan(700);
});
