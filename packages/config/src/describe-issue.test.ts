import { describe, expect, it } from "vitest";
import { z } from "zod";
import { describeIssue } from "./describe-issue.ts";

const sentences = (schema: z.ZodType, given: unknown) =>
  (schema.safeParse(given).error?.issues ?? []).flatMap((issue) => describeIssue(issue, schema, given));

describe("an unknown option of an object that may be something else", () => {
  const how = z.strictObject({ match: z.string().optional(), long: z.boolean().optional() });
  const schema = z.object({ how: z.union([z.boolean(), how]).default(false) });

  it("is named, with those that there are", () => {
    expect(sentences(schema, { how: { matsch: "v*" } })).toEqual(["how.matsch: unknown option (have: match, long)"]);
    expect(sentences(schema, { how: { matsch: "v*", long: 1 } })).toEqual([
      "how.long: expected boolean, received number",
      "how.matsch: unknown option (have: match, long)",
    ]);
    expect(sentences(schema, { how: 5 })).toEqual(["how: expected boolean or object, received number"]);
  });

  it("is one of the branch that the value is of", () => {
    const kinds = z.union([
      z.strictObject({ kind: z.literal("a"), one: z.number().optional() }),
      z.strictObject({ kind: z.literal("b"), two: z.number().optional() }),
    ]);
    expect(sentences(kinds, { kind: "b", three: 1 })).toEqual(["three: unknown option (have: kind, two)"]);
  });
});
