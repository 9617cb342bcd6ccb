import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Results, silentLog } from "@multimaster/core";
import { builds } from "@multimaster/data";
import sequence from "@multimaster/plugins/steps/sequence";
import shell from "@multimaster/plugins/steps/shell";
import { createWorker } from "@multimaster/worker";
import { describe, expect, it } from "vitest";
import { endAfterTest, startEngine } from "../../harness/engine.ts";
import { temporaryDirectory } from "../../harness/temporary-directory.ts";
import { waitFor } from "../../harness/wait-for.ts";

type Engine = Awaited<ReturnType<typeof startEngine>>;

const runs = (engine: Engine, name: string) =>
  waitFor(async () => (await engine.stepsOf(1)).at(-1)?.name === name, { what: `the step "${name}" to run` });
const ends = async (engine: Engine) =>
  (await engine.stepsOf(1)).slice(1).map(({ name, results }) => `${name} ${results}`);
const steps = (cleanUp = "sleep 1000") => [
  shell({ name: "work", command: "sleep 1000" }),
  shell({ name: "clean up", command: cleanUp, cleanUp: true }),
  shell({ name: "next", command: "true", alwaysRun: true }),
];

describe("a build that a user stops", () => {
  it("runs its clean-up; when it is stopped again, that ends and no more begins", async () => {
    const engine = await startEngine({ b: steps() });
    const request = await engine.submit("b");
    const { updates } = engine.data;
    await runs(engine, "work");
    await updates.builds.requestStop(1, "not needed");
    await runs(engine, "clean up");
    await updates.builds.requestStop(1, "it hangs");
    const [build] = await engine.finished(request);
    expect(build).toMatchObject({ results: Results.CANCELLED, state_string: expect.stringContaining("not needed") });
    expect(await ends(engine)).toEqual(["work 6", "clean up 6"]);
  });
});

it("a build that a user stops says that its clean-up did not run when its worker is lost first", async () => {
  const workers = { host: "127.0.0.1", port: 0, workers: [{ name: "w1", password: "secret" }] };
  const engine = await startEngine({ b: steps() }, { workers });
  const worker = createWorker({
    url: `ws://127.0.0.1:${engine.port()}`,
    name: "w1",
    password: "secret",
    basedir: temporaryDirectory("worker"),
    log: silentLog,
  });
  endAfterTest(() => worker.stop());
  await worker.start();
  const request = await engine.submit("b");
  await runs(engine, "work");
  await engine.data.updates.builds.requestStop(1, "not needed");
  await runs(engine, "clean up");
  await worker.stop();
  const [build] = await engine.finished(request);
  expect(build).toMatchObject({
    results: Results.CANCELLED,
    state_string: expect.stringMatching(
      /not needed.*; the connection to worker w1 ended first: what was left of its clean-up did not run$/,
    ),
  });
});

describe("a step that a user stops", () => {
  it("runs what a sequence has for afterwards; when it is stopped again, that ends and no more begins", async () => {
    const made = temporaryDirectory("made");
    const at = (name: string) => join(made, name);
    const afterwards = [{ command: `touch ${at("first")}; sleep 1000` }, { command: `touch ${at("second")}` }];
    const commands = [{ command: `touch ${at("work")}; sleep 1000` }, { command: `touch ${at("never")}` }];
    const engine = await startEngine({ b: [sequence({ commands, afterwards })] });
    const request = await engine.submit("b");
    const { updates } = engine.data;
    await waitFor(() => existsSync(at("work")), { what: "the work to run" });
    await updates.builds.requestStop(1, "not needed");
    await waitFor(() => existsSync(at("first")), { what: "the clean-up to run" });
    await updates.builds.requestStop(1, "it hangs");
    const [build] = await engine.finished(request);
    expect(build).toMatchObject({ results: Results.CANCELLED, state_string: expect.stringContaining("not needed") });
    expect(readdirSync(made).toSorted()).toEqual(["first", "work"]);
  });

  it("runs all of what a sequence has for afterwards, and tries no step again that always runs", async () => {
    const made = temporaryDirectory("made");
    const at = (name: string) => join(made, name);
    const engine = await startEngine({
      b: [
        sequence({
          commands: [{ command: `touch ${at("work")}; sleep 1000` }],
          afterwards: [{ command: "false" }, { command: `touch ${at("after")}` }],
        }),
        shell({ name: "next", command: `echo x >> ${at("tries")}; false`, alwaysRun: true, tryAgain: { times: 2 } }),
      ],
    });
    const request = await engine.submit("b");
    await waitFor(() => existsSync(at("work")), { what: "the work to run" });
    await engine.data.updates.builds.requestStop(1, "not needed");
    const [build] = await engine.finished(request);
    expect(build).toMatchObject({ results: Results.CANCELLED, state_string: expect.stringContaining("not needed") });
    expect(readdirSync(made).toSorted()).toEqual(["after", "tries", "work"]);
    expect(readFileSync(at("tries"), "utf8")).toBe("x\n");
  });
});

describe("a build that a user stops at a Buildbot master", () => {
  it.each([
    ["stop", "stop"],
    ["cancel", "cancel"],
    ["cancel", "stop"],
  ] as const)("ends with its clean-up when it is stopped again: %s, then %s", async (first, second) => {
    const engine = await startEngine({ b: steps() }, { believeControl: true });
    const request = await engine.submit("b");
    /** Buildbot's masters publish this and write no row. */
    const ask = (action: "stop" | "cancel", reason: string) =>
      engine.data.events.publishRaw(
        ["control", ...(action === "stop" ? ["builds", "1"] : ["buildrequests", String(request)]), action],
        { reason },
      );
    await runs(engine, "work");
    await ask(first, "not needed");
    await runs(engine, "clean up");
    await ask(second, "it hangs");
    const [build] = await engine.finished(request);
    expect(build).toMatchObject({ results: Results.CANCELLED, state_string: expect.stringContaining("not needed") });
    expect(await ends(engine)).toEqual(["work 6", "clean up 6"]);
  });

  it.each(["ours", "Buildbot's"])(
    "keeps its clean-up when each Buildbot master passes a cancel of %s on",
    async (whose) => {
      const go = join(temporaryDirectory("go"), "go");
      const engine = await startEngine(
        { b: steps(`until [ -e ${go} ]; do sleep 0.05; done`) },
        { believeControl: true },
      );
      const request = await engine.submit("b");
      const { events, updates } = engine.data;
      await runs(engine, "work");
      const reason = "not needed";
      if (whose === "ours") await updates.buildrequests.cancel(request, reason);
      else await events.publishRaw(["control", "buildrequests", String(request), "cancel"], { reason });
      await events.publishRaw(["control", "builds", "1", "stop"], { reason });
      await runs(engine, "clean up");
      await events.publishRaw(["control", "builds", "1", "stop"], { reason });
      // Comes after them.
      const { workerid } = (await engine.data.find(builds, {})).rows[0] as unknown as { workerid: number };
      await events.publishRaw(["control", "worker", String(workerid), "pause"], { reason });
      await waitFor(async () => (await updates.workers.states([workerid]))[0]?.paused, { what: "the worker's pause" });
      expect(await updates.builds.stopRequests([1])).toMatchObject([{ isRepeated: false }]);
      writeFileSync(go, "");
      await engine.finished(request);
      expect(await ends(engine)).toEqual(["work 6", "clean up 0", "next 0"]);
    },
  );
});
