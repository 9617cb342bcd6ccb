import type { PluginDescriptor } from "@multimaster/config";
import { Results } from "@multimaster/core";
import { defineStep, type StepContext } from "@multimaster/plugins";
import announced from "@multimaster/plugins/steps/announced";
import setProperties from "@multimaster/plugins/steps/set-properties";
import shell from "@multimaster/plugins/steps/shell";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { startEngine } from "../../harness/engine.ts";

/** Contains itself, twice. */
const around: Record<string, unknown> = {};
Object.assign(around, { left: around, right: [around] });
const endless: () => unknown = () => endless;

const own = (run: (ctx: StepContext) => unknown) =>
  defineStep({
    type: "own",
    options: z.object({}),
    run: async (ctx) => {
      await run(ctx);
      return Results.SUCCESS;
    },
  })({});

const extract = (value: unknown) => shell({ command: "true", extract: (() => value) as never });

describe("values of a config's functions that are no JSON, and names that are none", () => {
  it("end their step with a sentence, and the engine goes on", async () => {
    const cases: [PluginDescriptor<"step">, RegExp][] = [
      [extract({ p: around }), /returned is invalid: properties\.p: contains itself\)$/],
      [extract(around), /returned is invalid: properties\.left: contains itself/],
      [extract({ p: "x".repeat(2 ** 21) }), /"p" is larger than 1048576 bytes\)$/],
      [extract({ p: JSON.parse("[".repeat(101) + "]".repeat(101)) }), /properties\.p: is nested more than 100 deep\)$/],
      [extract({ "": 1 }), /A property cannot have the name "": it is empty\)$/],
      [setProperties({ properties: { p: (() => around) as never } }), /properties.* contains itself/],
      [shell({ command: endless as never }), /command.* contains itself/],
      [
        shell({ command: "true", logs: () => ({ "": "x" }) }),
        /A log of this step cannot have the name "": it is empty\)$/,
      ],
      [own((ctx) => ctx.log("two\nlines")), /the name "two\\nlines": it has control characters$/],
      [own((ctx) => ctx.properties.set("p", around as never)), /"p" contains itself$/],
      [
        own((ctx) => ctx.addUrl(" ", "https://example.org/")),
        /A link of this step has no name: pages could not show it$/,
      ],
    ];
    const marks = [
      "BUILD_STEP one",
      "STEP_LOG_LINE@a\\tb@x",
      `STEP_LOG_LINE@${"l".repeat(300)}@x`,
      "STEP_LINK@\\t@http://h/",
    ];
    const prints = announced({ command: marks.map((mark) => `printf '@@@${mark}@@@\\n'`).join("; ") });
    const state = own((ctx) => {
      ctx.setState("two\n  lines\n");
      throw new Error("of three\nlines");
    });
    cases.push([state, /^two lines \(of three\)$/]);
    const builders = Object.fromEntries(cases.map(([step], i) => [`b${i}`, [step]]));
    const engine = await startEngine({ ...builders, good: [shell({ command: "true" })], prints: [prints] });
    for (const [i, [, sentence]] of cases.entries()) {
      const [build] = await engine.finished(await engine.submit(`b${i}`));
      const step = (await engine.stepsOf(build?.buildid as number)).at(-1);
      expect([step?.results, step?.state_string]).toEqual([Results.EXCEPTION, expect.stringMatching(sentence)]);
    }
    // What a program prints fails nothing.
    const [printed] = await engine.finished(await engine.submit("prints"));
    expect(printed?.results).toBe(Results.SUCCESS);
    const [good] = await engine.finished(await engine.submit("good"));
    expect(good?.results).toBe(Results.SUCCESS);
  });
});
