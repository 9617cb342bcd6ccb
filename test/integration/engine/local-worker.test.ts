import { existsSync } from "node:fs";
import { join } from "node:path";
import { Results } from "@multimaster/core";
import { buildrequests, builds, equals, workers } from "@multimaster/data";
import { defineStep } from "@multimaster/plugins";
import shell from "@multimaster/plugins/steps/shell";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { type Engine, startEngine } from "../../harness/engine.ts";
import { temporaryDirectory } from "../../harness/temporary-directory.ts";
import { waitFor } from "../../harness/wait-for.ts";

/** A request that is cancelled while all workers are paused: after it, the pause has been seen. */
async function pausedOut(engine: Engine): Promise<number> {
  const request = await engine.submit("b", { priority: -1 });
  await engine.data.updates.buildrequests.cancel(request, "only a test");
  return request;
}

describe("an engine with a local worker", () => {
  it("builds a request: rows, steps, log and properties as they should be", async () => {
    const engine = await startEngine({
      hello: [
        shell({ command: "echo out; echo err >&2" }),
        shell({ name: "list", command: ["printf", "%s\\n", (b) => String(b.property("buildername"))] }),
      ],
    });
    const [build] = await engine.finished(await engine.submit("hello"));
    expect(build).toMatchObject({ results: Results.SUCCESS, state_string: "build successful", number: 1 });
    const rows = await engine.stepsOf(build?.buildid as number);
    expect(rows.map(({ name, results, state_string }) => [name, results, state_string])).toEqual([
      ["worker_preparation", 0, "worker w1 ready"],
      ["shell", 0, "'echo out; ...'"],
      ["list", 0, "'printf %s\\n ...'"],
    ]);
    const text = await engine.logText(rows[1]?.stepid as number, "stdio");
    expect(text).toContain("\noout\n");
    expect(text).toContain("\neerr\n");
    expect(await engine.logText(rows[2]?.stepid as number, "stdio")).toContain("\nohello\n");
    expect(await engine.properties(build?.buildid as number)).toMatchObject({
      buildername: ["hello", "Builder"],
      buildnumber: [1, "Build"],
      workername: ["w1", "Worker"],
      builddir: [join(engine.directory, "workers/w1/hello"), "Worker"],
      branch: [null, "Build"],
      revision: ["", "Build"],
      codebase: ["", "Build"],
    });
    await waitFor(async () => (await engine.data.updates.commands.ofWorker(1)).length === 0, {
      what: "the commands to be taken out",
    });
  });

  it("runs the most urgent first, and two at once where the worker takes two", async () => {
    const engine = await startEngine({ b: [shell({ command: "sleep 0.3" })] });
    await engine.data.updates.workers.setPaused(1, true, null);
    await waitFor(async () => (await engine.data.get(workers, 1))?.["paused"], { what: "the pause" });
    await engine.finished(await pausedOut(engine));
    const low = await Promise.all([1, 2, 3].map(() => engine.submit("b", { priority: 0 })));
    const high = await engine.submit("b", { priority: 5 });
    await engine.data.updates.workers.setPaused(1, false, null);
    const [first] = await engine.finished(high);
    const others = (await Promise.all(low.map((id) => engine.finished(id)))).map(([build]) => build?.buildid as number);
    expect(first?.buildid).toBeLessThan(Math.min(...others));
  });

  it("ends a stopped build CANCELLED, kills its command, and still runs what always runs", async () => {
    const marker = join(temporaryDirectory(), "tidied");
    const engine = await startEngine({
      slow: [
        shell({ command: "echo begun; exec sleep 1000" }),
        shell({ name: "next", command: "true" }),
        shell({ name: "tidy", command: `touch ${marker}`, alwaysRun: true }),
      ],
    });
    const request = await engine.submit("slow");
    const buildid = await waitFor(async () => (await engine.data.find(builds, {})).rows[0]?.["buildid"] as number, {
      what: "the build",
    });
    const stepid = await waitFor(async () => (await engine.stepsOf(buildid))[1]?.stepid, { what: "the step" });
    await waitFor(async () => (await engine.logText(stepid, "stdio")).includes("obegun"), { what: "output" });
    await engine.data.updates.builds.requestStop(buildid, "not needed");
    const [build] = await engine.finished(request);
    expect(build).toMatchObject({
      results: Results.CANCELLED,
      state_string: "cancelled (not needed) 'echo begun; ...'",
    });
    expect((await engine.stepsOf(buildid)).map(({ name, results }) => [name, results])).toEqual([
      ["worker_preparation", 0],
      ["shell", 6],
      ["tidy", 0],
    ]);
    expect(await engine.logText(stepid, "cancelled")).toBe("not needed\n");
    expect(existsSync(marker)).toBe(true);
  });

  it.each([false, true])(
    "believes no result in a message, and the message itself only if the config says so: %s",
    async (believeControl) => {
      const engine = await startEngine({ job: [shell({ command: "exec sleep 3" })] }, { believeControl });
      const { events, updates } = engine.data;
      const requestid = await engine.submit("job");
      await waitFor(async () => (await engine.running()) > 0, { what: "the build to run" });
      const { rows } = await engine.data.find(builds, {});
      const { buildid, workerid } = rows[0] as unknown as { buildid: number; workerid: number };
      const forged = { reason: "all tests passed", results: Results.SUCCESS, paused: true };
      await events.publishRaw(["control", "worker", String(workerid), "pause"], forged);
      await events.publishRaw(["control", "builds", String(buildid), "stop"], forged);
      await events.publishRaw(["control", "buildrequests", String(requestid), "cancel"], forged);
      const [build] = await engine.finished(requestid);
      expect(build).toMatchObject(
        believeControl
          ? { results: Results.CANCELLED, state_string: expect.stringContaining("all tests passed") }
          : { results: Results.SUCCESS, state_string: "build successful" },
      );
      expect(await updates.workers.states([workerid])).toMatchObject([{ paused: believeControl }]);
    },
  );

  it("fails, warns and skips by the rules", async () => {
    const engine = await startEngine({
      rules: [
        shell({ name: "warns", command: "echo warning: old", warningPattern: /^warning:/ }),
        shell({ name: "skipped", command: "false", doStepIf: (b) => b.property("never") === true }),
        shell({ name: "fails", command: "exit 3", haltOnFailure: true, hideStepIf: (r) => r === Results.FAILURE }),
        shell({ name: "unreached", command: "true" }),
      ],
    });
    const [build] = await engine.finished(await engine.submit("rules"));
    expect(build).toMatchObject({
      results: Results.FAILURE,
      state_string: "failed 'echo warning: ...' (1 warning) 'exit 3' (failure)",
    });
    expect(
      (await engine.stepsOf(build?.buildid as number)).map(({ name, results, hidden }) => [name, results, hidden]),
    ).toEqual([
      ["worker_preparation", 0, false],
      ["warns", 1, false],
      ["skipped", 3, false],
      ["fails", 2, true],
    ]);
  });

  it("says in a log why a step's options or code went wrong", async () => {
    const broken = defineStep({
      type: "broken",
      options: z.object({ text: z.string() }),
      run: () => Promise.reject(new Error("a bug in the step")),
    });
    const engine = await startEngine({
      options: [shell({ command: () => 5 as never })],
      code: [broken({ text: "x" })],
      worker: [
        defineStep({
          type: "odd",
          options: z.object({}),
          run: async (ctx) => void (await ctx.command("no-such", {})) as never,
        })({}),
      ],
    });
    const texts: string[] = [];
    for (const name of ["options", "code", "worker"]) {
      const [build] = await engine.finished(await engine.submit(name));
      expect(build?.results).toBe(Results.EXCEPTION);
      texts.push(
        await engine.logText((await engine.stepsOf(build?.buildid as number))[1]?.stepid as number, "err.text"),
      );
    }
    expect(texts[0]).toMatch(/^The step's options are invalid for this build: command: /);
    expect(texts[1]).toContain("a bug in the step");
    expect(texts[2]).toContain("no-such failed on worker w1");
  });

  it("says that a command timed out", async () => {
    const engine = await startEngine({ t: [shell({ command: ["sleep", "1000"], timeout: "300ms" })] });
    const [build] = await engine.finished(await engine.submit("t"));
    expect(build).toMatchObject({
      results: Results.FAILURE,
      state_string: "failed 'sleep 1000' (timed out: 0.3 s without output)",
    });
  });

  it("says in the log of a step that a watched log file is a directory", async () => {
    const watches = shell({ command: "mkdir -p made", logfiles: { x: "made" } });
    const engine = await startEngine({ b: [watches] });
    const [build] = await engine.finished(await engine.submit("b"));
    expect(build?.results).toBe(Results.SUCCESS);
    const [, step] = await engine.stepsOf(build?.buildid as number);
    expect(await engine.logText(step?.stepid as number, "stdio")).toMatch(
      /the log file "x" cannot be read: \S+made: it is a directory/,
    );
    const refused = startEngine({ b: [shell({ command: "true", logfiles: { x: "." } })] });
    await expect(refused).rejects.toThrow("must be the path of a file, not of a directory");
  });

  it("stops a build that runs longer than maxTime, and fails it; what always runs still runs", async () => {
    const marker = join(temporaryDirectory(), "tidied");
    const engine = await startEngine(
      {
        long: [
          shell({ command: ["sleep", "1000"] }),
          shell({ name: "next", command: "true" }),
          shell({ name: "tidy", command: `touch ${marker}`, alwaysRun: true }),
        ],
      },
      { more: { maxTime: "1s" } },
    );
    const found = await engine.finished(await engine.submit("long"));
    const sentence = "failed 'sleep 1000' (the build has run longer than 1s (maxTime))";
    expect(found).toMatchObject([{ results: Results.FAILURE, state_string: sentence }]);
    expect((await engine.stepsOf(found[0]?.buildid as number)).map(({ name, results }) => [name, results])).toEqual([
      ["worker_preparation", Results.SUCCESS],
      ["shell", Results.FAILURE],
      ["tidy", Results.SUCCESS],
    ]);
    expect(existsSync(marker)).toBe(true);
  });

  it("stores a flood of output whole and in order", async () => {
    const engine = await startEngine({ flood: [shell({ command: "seq 1 200000", logEnviron: false })] });
    const [build] = await engine.finished(await engine.submit("flood"));
    const text = await engine.logText((await engine.stepsOf(build?.buildid as number))[1]?.stepid as number, "stdio");
    const numbers = text.split("\n").filter((line) => line.startsWith("o"));
    expect(numbers.length).toBe(200_000);
    expect(numbers.every((line, i) => line === `o${i + 1}`)).toBe(true);
  });

  it("finishes its running builds in a drain, and takes no more", async () => {
    const engine = await startEngine({ b: [shell({ command: "sleep 0.5" })] });
    const request = await engine.submit("b");
    await waitFor(() => engine.running(), { what: "the build to run" });
    const drained = engine.services.drain(new AbortController().signal);
    const late = await engine.submit("b");
    await drained;
    expect((await engine.finished(request))[0]?.results).toBe(Results.SUCCESS);
    expect(await engine.data.get(buildrequests, late)).toMatchObject({ claimed: false, complete: false });
    expect((await engine.data.get(workers, 1))?.["connected_to"]).toEqual([]);
  });

  it("releases running builds when the drain is cut short", async () => {
    const engine = await startEngine({ b: [shell({ command: "sleep 1000" })] });
    const request = await engine.submit("b");
    await waitFor(() => engine.running(), { what: "the build to run" });
    const now = new AbortController();
    const drained = engine.services.drain(now.signal);
    now.abort();
    await drained;
    const found = await engine.data.find(builds, { filters: [equals("buildrequestid", request)] });
    expect(found.rows).toMatchObject([{ results: Results.RETRY, state_string: "master stopped" }]);
    expect(await engine.data.get(buildrequests, request)).toMatchObject({ claimed: false, complete: false });
  });

  it("ends a build that stops its master again and again", async () => {
    const directory = temporaryDirectory("stopping");
    const steps = { b: [shell({ command: "sleep 1000" })] };
    const more = { maxWorkerLosses: 2 };
    let request: number | undefined;
    for (let n = 0; n < 2; n += 1) {
      const engine = await startEngine(steps, { directory, name: `engine${n}`, more });
      request ??= await engine.submit("b");
      await waitFor(() => engine.running(), { what: "the build to run" });
      const now = new AbortController();
      const drained = engine.services.drain(now.signal);
      now.abort();
      await drained;
      const found = await engine.data.get(buildrequests, request);
      expect(found).toMatchObject(n === 0 ? { claimed: false, complete: false } : { complete: true });
      if (n === 0) continue;
      const built = await engine.finished(request);
      expect(built.map(({ results }) => results)).toEqual([Results.RETRY, Results.EXCEPTION]);
      const newest = await engine.data.find(builds, { order: ["-buildid"] });
      expect(newest.rows[0]?.["state_string"]).toMatch(/master stopped; this request was lost .* 2 times/);
    }
  });

  it("writes nothing more when its lease is lost", async () => {
    const engine = await startEngine({ b: [shell({ command: "sleep 1000" })] });
    const request = await engine.submit("b");
    const buildid = await waitFor(async () => (await engine.data.find(builds, {})).rows[0]?.["buildid"] as number, {
      what: "the build",
    });
    await waitFor(async () => (await engine.data.updates.commands.ofWorker(1)).length > 0, {
      what: "the command to be recorded",
    });
    engine.loseLease();
    await engine.services.stop();
    expect(await engine.data.get(builds, buildid)).toMatchObject({ complete: false, results: null });
    expect(await engine.data.get(buildrequests, request)).toMatchObject({ claimed: true, complete: false });
    expect(await engine.data.updates.commands.ofWorker(1)).toHaveLength(1);
  });

  it("completes a request that was cancelled while its build ran", async () => {
    const engine = await startEngine({ b: [shell({ command: "sleep 1000" })] });
    const request = await engine.submit("b");
    await waitFor(() => engine.running(), { what: "the build to run" });
    expect(await engine.data.updates.buildrequests.cancel(request, "changed my mind")).toBe("stopping");
    const [build] = await engine.finished(request);
    expect(build?.results).toBe(Results.CANCELLED);
    expect(await engine.data.get(buildrequests, request)).toMatchObject({ results: Results.CANCELLED });
  });
});
