import { describeIssue } from "@multimaster/config";
import type { z } from "zod";

const wrong = [
  5.5,
  -1,
  0,
  1e99,
  "",
  "no such thing",
  "x".repeat(3000),
  true,
  null,
  [],
  ["", 5],
  {},
  { what: 1 },
  () => 5,
];

/** The value with the wrong ones at each place in turn. */
function* damage(value: unknown, path: string[] = []): Generator<{ path: string; value: unknown }> {
  if (path.length > 0) for (const bad of wrong) yield { path: path.join("."), value: bad };
  // What a factory made has options of its own.
  if (typeof value !== "object" || value === null || "plugin" in value) return;
  for (const [name, item] of Object.entries(value))
    for (const { path: at, value: bad } of damage(item, [...path, name])) {
      const copy = Array.isArray(value) ? [...value] : { ...value };
      (copy as Record<string, unknown>)[name] = bad;
      yield { path: at, value: copy };
    }
}

/** What a person wrote, and not the words of a validator. */
const plain =
  /: (must (be|have|not|never) \S|expected [^:]*, received \w+|is missing|has no value|unknown option \(have: |belongs beside |would [^:]+; use |"[^"]*" is no [^:]+: |"[^"]*" has \d+ fields? instead of 5: |a worker |is the port of |is already )/;
const technical =
  /is not valid|Invalid|Too (small|big)|[<>]=?\d|\b(int|record|tuple|nan|union|nonoptional|pattern|regex)\b(?!:)|expected (never|undefined)/;

function sentencesOf(schema: z.ZodType, given: unknown): string[] {
  const parsed = schema.safeParse(given);
  if (parsed.success) return [];
  return parsed.error.issues.flatMap((issue) => describeIssue(issue, schema, given));
}

/** The option that a path begins with: a sentence is about it, or about another one that must fit to it. */
const firstOf = (path: string) => path.split(".", 1)[0] ?? path;

/** Names of options and values may be any words. */
const withoutNames = (sentence: string) => sentence.replace(/ \(have: .*\)$/, "").replace(/"[^"]*"/g, '""');

/** Damages every option in every way, and returns the sentences that do not say what would be right, or not of that option. */
export function findUnclear(schema: z.ZodType, options: object): string[] {
  const unclear = new Set<string>();
  const always = new Set(sentencesOf(schema, options));
  for (const { path, value } of damage(options))
    for (const sentence of sentencesOf(schema, value)) {
      const isOfIt = always.has(sentence) || sentence.includes(firstOf(path));
      if (!isOfIt || !plain.test(sentence) || technical.test(withoutNames(sentence)))
        unclear.add(`${path} ⇒ ${sentence}`);
    }
  return [...unclear];
}
