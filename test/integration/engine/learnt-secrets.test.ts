import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { Results } from "@multimaster/core";
import { logs, testResultSets } from "@multimaster/data";
import { defineStep } from "@multimaster/plugins";
import shell from "@multimaster/plugins/steps/shell";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { startEngine } from "../../harness/engine.ts";
import { temporaryDirectory } from "../../harness/temporary-directory.ts";
import { waitFor } from "../../harness/wait-for.ts";

describe("a text that a step has learnt", () => {
  const learnt = "ghs_learnt-of-a-step";
  const learn = defineStep({
    type: "learn",
    options: z.object({ text: z.string() }),
    async run(ctx, { text }) {
      const stdio = await ctx.log("stdio");
      await stdio.write("before\n");
      await ctx.log("other");
      ctx.hide(text, "learnt");
      ctx.properties.set("told", { deep: [text, `${text}!`] }, "learn");
      ctx.properties.set(`of ${text}`, 1, "learn");
      ctx.setState(`has ${text}`);
      await stdio.write(`${text.slice(0, 9)}`);
      await stdio.write(`${text.slice(9)} ${Buffer.from(text).toString("base64")}\n`);
      await (await ctx.log(`log ${text}`)).write(`${text}\n`);
      await ctx.addUrl(`to ${text}`, `https://example.org/${text}`);
      const result = { name: text, path: text, line: null, durationNs: null, value: text };
      const about = { description: text, category: text, valueUnit: text, passed: 0, failed: 1 };
      await ctx.addTestResults({ ...about, results: [result] });
      await ctx.trigger([{ scheduler: "kids", properties: { given: text }, sourceStamps: {} }], {
        wait: false,
        relationship: "Triggered from",
      });
      return { results: Results.FAILURE, summary: `saw ${text}`, reason: text };
    },
  });

  it.each([false, true])("shows nowhere in its build, whatever others learn meanwhile; of a fork: %s", async (fork) => {
    const flood = defineStep({
      type: "flood",
      options: z.object({}),
      run: async (ctx) => {
        for (let n = 0; n < 200; n += 1) ctx.hide(`another-text-${n}`, "flood");
        return { results: Results.SUCCESS };
      },
    });
    const late = defineStep({
      type: "late",
      options: z.object({ name: z.string() }),
      run: async (ctx) => {
        ctx.properties.set("again", learnt, "late");
        return { results: Results.FAILURE, summary: `late ${learnt}` };
      },
    });
    const broken = defineStep({
      type: "broken",
      options: z.object({}),
      run: () => Promise.reject(new Error(`broke at https://me:${encodeURIComponent(learnt)}@example.org`)),
    });
    const directory = temporaryDirectory("engine");
    const marker = join(directory, "flooded");
    const wait = shell({ command: `while ! test -e ${marker}; do sleep 0.05; done` });
    const engine = await startEngine(
      {
        b: [learn({ text: learnt }), wait, late({ name: `late ${learnt}` }), broken({})],
        kids: [shell({ command: "true" })],
        noise: [flood({})],
      },
      { directory, more: { properties: { first: `x ${learnt}` } } },
    );
    const id = (await engine.data.updates.schedulers.register(["kids"])).get("kids") as number;
    const rest = { properties: {}, priority: 0, reason: "triggered", codebases: {} };
    await engine.data.updates.schedulers.publish(id, { kind: "builds", triggerable: { builders: ["kids"], ...rest } });
    const request = await engine.submit("b", { properties: { pullrequest_fork: [fork, "Change"] } });
    await waitFor(async () => (await engine.stepsOf(1))[2], { what: "the second step" });
    await engine.finished(await engine.submit("noise"));
    writeFileSync(marker, "");
    const [build] = await engine.finished(request);
    const buildid = build?.buildid as number;
    const rows = await engine.stepsOf(buildid);
    const step = rows[1]?.stepid as number;
    const shown = JSON.stringify([
      build,
      rows,
      await engine.properties(buildid),
      await engine.logText(step, "stdio"),
      await engine.logText(step, "log <learnt>"),
      await engine.logText(rows[4]?.stepid as number, "err.text"),
      (await engine.data.find(logs, {})).rows,
      await engine.data.rest.get(["test_result_sets", "1", "results"], new URLSearchParams()),
      (await engine.data.find(testResultSets, {})).rows,
    ]);
    expect(shown).not.toContain(learnt);
    expect(shown).not.toContain(Buffer.from(learnt).toString("base64").slice(0, 20));
    expect(await engine.properties(buildid)).toMatchObject({
      first: ["x <learnt>", "Builder"],
      told: [{ deep: ["<learnt>", "<learnt>!"] }, "learn"],
      "of <learnt>": [1, "learn"],
      again: ["<learnt>", "late"],
    });
    expect(build?.state_string).toBe(
      "exception saw <learnt> (<learnt>) late <learnt> (failure) broke at https://me:<learnt>@example.org",
    );
    const [kid] = await engine.finished(2);
    expect(await engine.properties(kid?.buildid as number)).toMatchObject({ given: ["<learnt>", "Trigger"] });
  });
});
