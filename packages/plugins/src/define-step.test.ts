import { descriptorOf, interpolate } from "@multimaster/config";
import { Results } from "@multimaster/core";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { defineStep, type StepDefinition } from "./define-step.ts";
import type { StepContext, StepRenderContext } from "./step-context.ts";
import { StepFailed } from "./step-errors.ts";

const sample = defineStep({
  type: "sample",
  options: z.object({
    words: z.array(z.string()),
    size: z.union([z.number(), z.string()]).transform(Number).default(1),
    look: z
      .union([z.boolean(), z.strictObject({ wide: z.boolean().optional(), high: z.int().optional() })])
      .default(false),
  }),
  rules: { haltOnFailure: true },
  run: async (_ctx, options) => ({ results: Results.SUCCESS, summary: JSON.stringify([options.words, options.size]) }),
});

const build = {
  build: { buildid: 7, buildrequestid: 5, number: 3 },
  property: (name: string) => (name === "version" ? "1.2" : undefined),
  secret: (name: string) => name,
  source: () => undefined,
};
const rendering = build as unknown as StepRenderContext;
const ctx = { ...build, setState: () => {} } as unknown as StepContext;
const definition = sample({ words: [] }).plugin as StepDefinition;

function problems(options: unknown): string[] {
  const parsed = descriptorOf("step").safeParse({ plugin: definition, options });
  return parsed.success ? [] : parsed.error.issues.map((issue) => JSON.stringify([issue.path, issue.message]));
}

describe("a step in a config", () => {
  it("is checked where its options are values", () => {
    expect(problems({ words: ["a"], size: "3" })).toEqual([]);
    expect(problems({ words: "a" })[0]).toContain("sample");
    expect(problems({ words: ["a"], wrods: [] })[0]).toContain("wrods");
    expect(problems({})).toHaveLength(1);
    expect(problems({ words: [], look: { wild: 1 } })[0]).toContain("unknown option (have: wide, high)");
    expect(problems({ words: ["a"], haltOnFailure: "yes" })).toHaveLength(1);
  });

  it("leaves functions of the build to be checked when the step runs", () => {
    expect(problems({ words: ["a", () => "b"], size: () => 4, doStepIf: () => false, hideStepIf: () => true })).toEqual(
      [],
    );
    expect(problems({ words: ["a"], wrods: () => [] })).toEqual([expect.stringContaining("wrods")]);
  });

  it("is called by its type, or as the config says", () => {
    expect([definition.nameOf({}), definition.nameOf({ name: "mine" })]).toEqual(["sample", "mine"]);
  });

  it("has the rules of its kind, unless the config says otherwise", () => {
    expect(definition.rulesOf({})).toMatchObject({ haltOnFailure: true, flunkOnFailure: true, alwaysRun: false });
    expect(definition.rulesOf({ haltOnFailure: false, alwaysRun: true })).toMatchObject({
      haltOnFailure: false,
      alwaysRun: true,
    });
  });
});

describe("a step that runs", () => {
  it("gets its options rendered and parsed once, with defaults", async () => {
    const options = { words: ["a", interpolate("v${version}")], size: () => "7" };
    expect((await definition.run(ctx, options)).summary).toBe('[["a","v1.2"],7]');
    expect((await definition.run(ctx, { words: [] })).summary).toBe("[[],1]");
  });

  it("fails with a sentence when an option cannot be rendered, or comes out wrong", async () => {
    const throwing = { words: () => Promise.reject(new Error("no such thing")) };
    await expect(definition.run(ctx, throwing)).rejects.toThrow(
      'The step\'s option "words" could not be rendered: no such thing',
    );
    await expect(definition.run(ctx, { words: () => 5 })).rejects.toThrow(
      "The step's options are invalid for this build: words:",
    );
  });

  it("ends as a failure with the sentence of StepFailed, and returns nothing but a result", async () => {
    const ending = (run: () => unknown) => {
      const { plugin, options } = defineStep({ type: "odd", options: z.object({}), run: async () => run() as 0 })({});
      return (plugin as StepDefinition).run(ctx, options as Record<string, unknown>);
    };
    const failing = () => {
      throw new StepFailed("The file x is not there.");
    };
    expect(await ending(failing)).toEqual({ results: Results.FAILURE, reason: "The file x is not there" });
    expect(await ending(() => Results.WARNINGS)).toEqual({ results: Results.WARNINGS });
    for (const [returned, what] of [
      ["fine", 'returned "fine"'],
      [undefined, "returned undefined"],
      [9, "returned 9 (results: "],
      [{ results: 0, summary: 5 }, "returned an invalid object (summary: "],
    ] as const)
      await expect(ending(() => returned)).rejects.toThrow(what);
  });

  it("is skipped when doStepIf comes out false", async () => {
    expect(await definition.isWanted({}, rendering)).toBe(true);
    expect(
      await definition.isWanted({ doStepIf: (b: typeof build) => b.property("none") !== undefined }, rendering),
    ).toBe(false);
    await expect(definition.isWanted({ doStepIf: () => "false" }, rendering)).rejects.toThrow(
      'must be true or false, not "false".',
    );
  });

  it("is hidden by its results", () => {
    const options = { hideStepIf: (results: number) => results === Results.SKIPPED };
    expect(definition.isHidden(options, Results.SKIPPED)).toBe(true);
    expect(definition.isHidden(options, Results.FAILURE)).toBe(false);
  });

  it("may be described by the config", async () => {
    const shown: string[] = [];
    const watched = { ...ctx, setState: (text: string) => void shown.push(text) };
    const end = await definition.run(watched, {
      words: [],
      description: "counting",
      descriptionDone: interpolate("counted ${version}"),
    });
    expect([shown, end.summary]).toEqual([["counting"], "counted 1.2"]);
  });
});
