import { existsSync } from "node:fs";
import { join } from "node:path";
import { Results } from "@multimaster/core";
import { equals, steps as stepsResource } from "@multimaster/data";
import { defineStep } from "@multimaster/plugins";
import endBuild from "@multimaster/plugins/steps/end-build";
import parallel from "@multimaster/plugins/steps/parallel";
import setProperties from "@multimaster/plugins/steps/set-properties";
import shell from "@multimaster/plugins/steps/shell";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { type Engine, startEngine } from "../../harness/engine.ts";
import { temporaryDirectory } from "../../harness/temporary-directory.ts";
import { newSchemaUrl } from "../../harness/test-databases.ts";
import { waitFor } from "../../harness/wait-for.ts";

const ends = async (engine: Engine, buildid = 1) =>
  (await engine.stepsOf(buildid)).slice(1).map(({ name, results }) => `${name} ${results}`);

/** Ends only if another step runs at the same time. */
const meet = (own: string, other: string) =>
  shell({ name: own, command: `touch ${own}; while ! test -e ${other}; do sleep 0.02; done`, maxTime: "20s" });

describe("steps that run together", () => {
  it("run at the same time, each with its own row and rules; the worst result is the group's", async () => {
    const url = await newSchemaUrl("postgresql");
    const engine = await startEngine(
      {
        b: [
          parallel({
            name: "checks",
            steps: [
              meet("one", "two"),
              meet("two", "one"),
              shell({ name: "lint", command: "exit 1", flunkOnFailure: false, warnOnFailure: true }),
              setProperties({ name: "note", properties: { noted: true } }),
              shell({ name: "not here", command: "true", doStepIf: false }),
            ],
          }),
          shell({ name: "after", command: "true", doStepIf: (b) => b.property("noted") === true }),
        ],
      },
      { url },
    );
    const [build] = await engine.finished(await engine.submit("b"));
    expect(build).toMatchObject({ results: Results.WARNINGS });
    expect(await ends(engine)).toEqual(["checks 1", "one 0", "two 0", "lint 2", "note 0", "not here 3", "after 0"]);
    const rows = (await engine.data.find(stepsResource, { filters: [equals("buildid", 1)], order: ["number"] })).rows;
    expect(rows[1]?.state_string).toBe("5 steps, 3 success, 1 failure, 1 skipped (lint: failure)");
    expect(rows.slice(2, 7).map(({ added_by, added_as }) => [added_by, added_as])).toEqual(
      Array(5).fill([rows[1]?.stepid, "together"]),
    );
    expect(rows.map(({ number }) => number)).toEqual(rows.map((_, i) => i));
  });

  it("begin no more after one that halts, but for those that always run", async () => {
    const engine = await startEngine({
      b: [
        parallel({
          name: "group",
          maxInFlight: 1,
          steps: [
            shell({ name: "halts", command: "false", haltOnFailure: true }),
            shell({ name: "left", command: "true" }),
            shell({ name: "cleans", command: "true", cleanUp: true }),
          ],
        }),
        shell({ name: "never", command: "true" }),
      ],
      ends: [
        parallel({ name: "group", steps: [endBuild({ results: "skipped", text: "nothing to do" })] }),
        shell({ name: "never", command: "true" }),
      ],
    });
    const [build] = await engine.finished(await engine.submit("b"));
    expect(build?.results).toBe(Results.FAILURE);
    expect(await ends(engine)).toEqual(["group 2", "halts 2", "left 3", "cleans 0"]);
    expect((await engine.stepsOf(1))[3]?.state_string).toBe("not run: another step of its group has failed");
    const [ended] = await engine.finished(await engine.submit("ends"));
    expect(ended).toMatchObject({ results: Results.SKIPPED, state_string: "nothing to do" });
    expect(await ends(engine, ended?.buildid)).toEqual(["group 3", "end-build 0"]);
  });

  it("do not hide a failure by ending the build, whichever comes first", async () => {
    const ending = endBuild({ results: "skipped", text: "nothing to do" });
    const fails = shell({ name: "fails", command: "exit 1" });
    const waits = shell({ name: "fails", command: "until [ -e ended ]; do sleep 0.1; done; exit 1" });
    const cleans = endBuild({ cleanUp: true, results: "success", text: "clean" });
    const engine = await startEngine({
      before: [parallel({ maxInFlight: 1, steps: [fails, ending] })],
      after: [parallel({ steps: [ending, waits, shell({ name: "tells", command: "touch ended", alwaysRun: true })] })],
      cleaned: [parallel({ maxInFlight: 1, steps: [fails, cleans] })],
      alone: [shell({ command: "exit 1", haltOnFailure: true }), cleans],
      both: [parallel({ maxInFlight: 1, steps: [shell({ command: "true" }), ending, cleans] })],
    });
    for (const builder of ["before", "after", "cleaned", "alone"]) {
      const [build] = await engine.finished(await engine.submit(builder));
      expect([builder, build?.results]).toEqual([builder, Results.FAILURE]);
      expect(build?.state_string).toContain("failed");
    }
    const [both] = await engine.finished(await engine.submit("both"));
    expect(both).toMatchObject({ results: Results.SKIPPED, state_string: "nothing to do" });
  });

  it("are all interrupted when the build is stopped", async () => {
    const sleeper = (name: string) => shell({ name, command: "sleep 1000" });
    const engine = await startEngine({
      b: [parallel({ maxInFlight: 2, steps: [sleeper("one"), sleeper("two"), sleeper("three")] })],
    });
    const request = await engine.submit("b");
    await waitFor(
      async () =>
        (await engine.data.find(stepsResource, { filters: [equals("buildid", 1)] })).rows.filter(
          ({ started_at, complete }) => started_at !== null && !complete,
        ).length === 3,
      { what: "two steps to run" },
    );
    await engine.data.updates.builds.requestStop(1, "not needed");
    const [build] = await engine.finished(request);
    expect(build?.results).toBe(Results.CANCELLED);
    expect(await ends(engine)).toEqual(["parallel 6", "one 6", "two 6", "three 3"]);
  });

  it("do not outlive a step that does not wait for them", async () => {
    const begun = join(temporaryDirectory("hasty"), "begun");
    const hasty = defineStep({
      type: "hasty",
      options: z.object({}),
      async run(ctx) {
        const steps = [shell({ name: "one", command: `touch '${begun}'; sleep 1000` }), shell({ command: "true" })];
        void ctx.runTogether(steps, { maxInFlight: 1 });
        while (!existsSync(begun)) await ctx.sleep(20);
        return Results.SUCCESS;
      },
    });
    const engine = await startEngine({ b: [hasty({}), shell({ name: "after", command: "true" })] });
    const [build] = await engine.finished(await engine.submit("b"));
    expect(build?.results).toBe(Results.SUCCESS);
    expect(await ends(engine)).toEqual(["hasty 0", "one 6", "shell 3", "after 0"]);
  });

  it("wait for no lock while their group has some", async () => {
    const { defineLock } = await import("@multimaster/config");
    const [a, b] = [defineLock({ name: "a" }), defineLock({ name: "b" })];
    const engine = await startEngine({
      b: [parallel({ locks: [a.exclusive()], steps: [shell({ command: "true", locks: [b.exclusive()] })] })],
      nested: [
        parallel({
          name: "outer",
          locks: [a.exclusive()],
          steps: [parallel({ name: "inner", steps: [shell({ command: "true", locks: [a.exclusive()] })] })],
        }),
      ],
      good: [parallel({ steps: [1, 2].map(() => shell({ command: "true", locks: [b.exclusive()] })) })],
    });
    const [build] = await engine.finished(await engine.submit("b"));
    expect(build?.results).toBe(Results.EXCEPTION);
    expect(await engine.logText((await engine.stepsOf(1))[1]?.stepid as number, "err.text")).toContain(
      "cannot wait for any",
    );
    const [nested] = await engine.finished(await engine.submit("nested"));
    expect(nested?.results).toBe(Results.EXCEPTION);
    const inner = (await engine.stepsOf(nested?.buildid as number)).find(({ name }) => name === "inner");
    expect(await engine.logText(inner?.stepid as number, "err.text")).toContain('"outer" has locks');
    expect((await engine.finished(await engine.submit("good")))[0]?.results).toBe(Results.SUCCESS);
  });
});
