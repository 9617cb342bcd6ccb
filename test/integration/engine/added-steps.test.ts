import { Results } from "@multimaster/core";
import { equals, steps as stepsResource } from "@multimaster/data";
import { defineStep } from "@multimaster/plugins";
import addSteps from "@multimaster/plugins/steps/add-steps";
import setProperties from "@multimaster/plugins/steps/set-properties";
import shell from "@multimaster/plugins/steps/shell";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { type Engine, type Steps, startEngine } from "../../harness/engine.ts";
import { newSchemaUrl } from "../../harness/test-databases.ts";
import { waitFor } from "../../harness/wait-for.ts";

/** A step of one's own that adds steps as a farm does: on failure, once more and then with a comparison. */
const triage = defineStep({
  type: "triage",
  options: z.object({ failed: z.boolean() }),
  async run(ctx, { failed }) {
    if (!failed) return Results.SUCCESS;
    await ctx.addSteps([shell({ name: "clean", command: "true" }), shell({ name: "again", command: "true" })]);
    const [last] = await ctx.addSteps([shell({ name: "report", command: "true", alwaysRun: true })], { where: "end" });
    await ctx.addSteps([shell({ name: "compare", command: "true" })]);
    return { results: Results.SUCCESS, summary: `the build ends with ${last}` };
  },
});

const names = async (engine: Engine, buildid = 1) =>
  (await engine.stepsOf(buildid)).slice(1).map(({ name, results }) => `${name} ${results}`);

describe("steps that steps add", () => {
  it("run right after the step that adds them, or at the end, by the rules of every step", async () => {
    const url = await newSchemaUrl("postgresql");
    const list: Steps = [
      shell({ name: "test", command: "false", flunkOnFailure: false }),
      triage({ failed: true }),
      shell({ name: "again", command: "true" }),
      addSteps({
        name: "more",
        steps: [
          shell({ name: "skipped", command: "true", doStepIf: false }),
          shell({ name: "flaky", command: "test -e tried || { touch tried; exit 1; }", tryAgain: { times: 1 } }),
          shell({ name: "halts", command: "false", haltOnFailure: true }),
          shell({ name: "not reached", command: "true" }),
          shell({ name: "cleaned", command: "true", cleanUp: true }),
        ],
      }),
      shell({ name: "never", command: "true" }),
      shell({ name: "last", command: "true", alwaysRun: true }),
    ];
    const engine = await startEngine({ b: list }, { url });
    const [build] = await engine.finished(await engine.submit("b"));
    expect(build?.results).toBe(Results.FAILURE);
    expect(await names(engine)).toEqual([
      "test 2",
      "triage 0",
      "clean 0",
      "again 0",
      "compare 0",
      // A name that an added step has is taken.
      "again_1 0",
      "more 0",
      "skipped 3",
      "flaky 0",
      "halts 2",
      "not reached 3",
      "cleaned 0",
      "last 0",
      "report 0",
    ]);
    const rows = (await engine.data.find(stepsResource, { filters: [equals("buildid", 1)], order: ["number"] })).rows;
    expect(rows.map(({ number }) => number)).toEqual(rows.map((_, i) => i));
    expect(rows.find(({ name }) => name === "not reached")).toMatchObject({
      started_at: null,
      state_string: "not run: the build had ended",
    });
    // What was added, by whom: a person can read what this build was, whatever the config says today.
    const shown = await engine.data.rest.get(
      ["builds", "1", "steps"],
      new URLSearchParams("field=name&field=added_by&field=added_as&field=addition"),
    );
    const items = (shown.kind === "envelope" ? shown.items : []) as Record<string, unknown>[];
    const triaged = rows.find(({ name }) => name === "triage")?.stepid;
    expect(items.find(({ name }) => name === "report")).toEqual({
      name: "report",
      added_by: triaged,
      added_as: "end",
      addition: { step: "shell", options: { name: "report", command: "true", alwaysRun: true } },
    });
    expect(items.find(({ name }) => name === "again_1")).toMatchObject({ added_by: null, addition: null });
  });

  it("are shown as pending at once, and end with a build that is stopped", async () => {
    const engine = await startEngine({
      b: [
        addSteps({
          steps: [shell({ name: "wait", command: "sleep 1000" }), shell({ name: "after", command: "true" })],
        }),
        shell({ name: "last", command: "true" }),
      ],
    });
    const request = await engine.submit("b");
    const after = await waitFor(
      async () => {
        const found = await engine.data.find(stepsResource, { filters: [equals("buildid", 1)], order: ["number"] });
        const wait = found.rows.find(({ name }) => name === "wait");
        return wait?.started_at && found.rows.find(({ name }) => name === "after");
      },
      { what: "an added step to run" },
    );
    expect(after).toMatchObject({ started_at: null, complete: false, state_string: "pending" });
    await engine.data.updates.builds.requestStop(1, "not needed");
    const [build] = await engine.finished(request);
    expect(build?.results).toBe(Results.CANCELLED);
    expect((await names(engine)).slice(1)).toEqual(["wait 6", "after 3"]);
  });

  it("are made by a function of the config from JSON that a command wrote", async () => {
    const engine = await startEngine({
      b: [
        shell({ name: "list", command: `echo '["unit", "ui", "x\\"; touch bad"]' > suites.json` }),
        addSteps({
          file: "suites.json",
          steps: (_build, value) =>
            (value as string[]).map((suite) =>
              shell({ name: `test ${suite}`, command: ["printf", "%s", suite], property: `${suite} ran` }),
            ),
        }),
        addSteps({ name: "none", steps: () => [] }),
      ],
    });
    const [build] = await engine.finished(await engine.submit("b"));
    expect(build?.results).toBe(Results.SUCCESS);
    const rows = await engine.stepsOf(1);
    expect(rows.map(({ name, state_string }) => `${name}: ${state_string}`).slice(2, 3)).toEqual([
      'add-steps: added 3 steps: test unit, test ui, test x"; touch bad',
    ]);
    expect(rows.at(-1)?.state_string).toBe("no steps added");
    expect(await engine.properties(1)).toMatchObject({ "ui ran": ["ui", "test ui"] });
  });

  it("are 300 in one build, and refused with a sentence beyond 1,000", async () => {
    const many = (n: number) =>
      Array.from({ length: n }, (_, i) => setProperties({ name: "set", properties: { [`p${i}`]: i } }));
    const engine = await startEngine({
      many: [addSteps({ steps: () => many(300) })],
      "too many": [addSteps({ steps: () => many(1001) })],
      wrong: [
        addSteps({ steps: () => [shell({ command: "true", wokdir: "x" } as never), { name: "no step" } as never] }),
      ],
    });
    const [build] = await engine.finished(await engine.submit("many"));
    expect(build?.results).toBe(Results.SUCCESS);
    const rows = await engine.stepsOf(1);
    expect(rows).toHaveLength(302);
    expect(new Set(rows.map(({ name }) => name)).size).toBe(302);
    expect(rows.every(({ results }) => results === 0)).toBe(true);
    expect(Object.keys(await engine.properties(1))).toContain("p299");

    const [wrong] = await engine.finished(await engine.submit("wrong"));
    expect(wrong?.results).toBe(Results.EXCEPTION);
    const text = await engine.logText(
      (await engine.stepsOf(wrong?.buildid as number))[1]?.stepid as number,
      "err.text",
    );
    expect(text).toContain('The steps that "add-steps" adds are invalid: [0]');
    expect(text).toContain("wokdir: unknown option");
    expect(text).toContain("[1]: must be a step");
    const [refused] = await engine.finished(await engine.submit("too many"));
    const { stepid } = (await engine.stepsOf(refused?.buildid as number))[1] as { stepid: number };
    expect(await engine.logText(stepid, "err.text")).toBe(
      '"add-steps" adds 1001 steps, but the steps of a build add at most 1000 to it.\n',
    );
  });

  it("come from a function; one that returns no list says so", async () => {
    const engine = await startEngine({ b: [addSteps({ steps: () => undefined as never })] });
    const [build] = await engine.finished(await engine.submit("b"));
    expect(build?.state_string).toContain('The function "steps" must return a list of steps, not undefined');
  });
});
