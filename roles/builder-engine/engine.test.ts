import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { join } from "node:path";
import { createBus } from "@multimaster/bus";
import { joinCluster, type Lease, LoopSign, leaveCluster } from "@multimaster/cluster";
import {
  type BuildersSliceInput,
  buildersSlice,
  type ClusterConfig,
  secret,
  type WorkersSliceInput,
  workersSlice,
} from "@multimaster/config";
import { createMetrics, type Json, type Logger, Results, runServices, silentLog, systemClock } from "@multimaster/core";
import {
  buildrequests,
  builds,
  changes,
  createData,
  type Data,
  equals,
  logs,
  type NewBuildset,
  steps,
  testResultSets,
  waiting,
  workers,
} from "@multimaster/data";
import { type Database, dataVersions, openDatabase, upgradeDatabase } from "@multimaster/database";
import { releaseEverythingOf } from "@multimaster/lifecycle";
import { defineStep } from "@multimaster/plugins";
import git from "@multimaster/plugins/steps/git";
import shell from "@multimaster/plugins/steps/shell";
import trigger from "@multimaster/plugins/steps/trigger";
import { formatBasicAuth } from "@multimaster/wire";
import { createWorker } from "@multimaster/worker";
import { afterAll, afterEach, describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import { z } from "zod";
import { createGitRepository } from "../../test/harness/git-repository.ts";
import { startPostgres, type TestPostgres } from "../../test/harness/postgres.ts";
import { temporaryDirectory } from "../../test/harness/temporary-directory.ts";
import { waitFor } from "../../test/harness/wait-for.ts";
import { role } from "./role.ts";

type Steps = BuildersSliceInput["builders"][number]["steps"];

interface Engine {
  readonly data: Data;
  readonly directory: string;
  readonly database: Database;
  readonly services: ReturnType<typeof runServices>;
  readonly lease: Lease;
  /** Where workers connect, once it listens. */
  port(): number;
  /** Sentences it logged. */
  readonly said: string[];
  /** As the master does when its lease is lost. */
  loseLease(): void;
  submit(builder: string, more?: Partial<NewBuildset>): Promise<number>;
  /** Waits until the request is complete; gives its builds, oldest first. */
  finished(requestid: number): Promise<Finished[]>;
  properties(buildid: number): Promise<Record<string, [unknown, string]>>;
  logText(stepid: number, name: string): Promise<string>;
  stepsOf(
    buildid: number,
  ): Promise<{ stepid: number; name: string; results: number | null; state_string: string; hidden: boolean }[]>;
  running(): Promise<number>;
}

interface Finished {
  buildid: number;
  results: number | null;
  state_string: string;
}

const ends: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

afterAll(async () => {
  await postgres?.stop();
});

let postgres: TestPostgres | undefined;

const localWorkers: WorkersSliceInput = { workers: [{ name: "w1", local: true, maxBuilds: 2 }] };

async function startEngine(
  builders: Record<string, Steps>,
  options: {
    url?: string;
    workers?: WorkersSliceInput;
    directory?: string;
    name?: string;
    more?: Partial<BuildersSliceInput["builders"][number]>;
    secrets?: Record<string, string>;
    believeControl?: boolean;
  } = {},
): Promise<Engine> {
  const directory = options.directory ?? temporaryDirectory("engine");
  const database = await openDatabase(options.url ?? `sqlite:${directory}/state.sqlite`, { log: silentLog });
  await upgradeDatabase(database);
  const bus = createBus({ kind: "in-process" }, silentLog);
  await bus.start();
  const { lease } = await joinCluster(
    database,
    {
      defaultBase: options.name ?? "engine",
      roles: ["builder-engine"],
      builderSets: ["all"],
      release: "0.1.0",
      dataVersions,
      leaseMs: 600_000,
      host: "test",
      pid: process.pid,
    },
    releaseEverythingOf,
  );
  const data = createData({ database, bus, lease, log: silentLog, clock: systemClock });
  const parsed = buildersSlice.parse({
    builders: Object.entries(builders).map(([name, list]) => ({ name, workers: ["w1"], ...options.more, steps: list })),
  });
  const lost = new AbortController();
  const said: string[] = [];
  let port = 0;
  const listen = (fields: object | string, text?: string) => {
    said.push(text ?? String(fields));
  };
  const log: Logger = Object.assign(Object.create(silentLog), { info: listen, warn: listen, error: listen });
  const services = runServices(
    role.services({
      master: { name: lease.name, masterid: lease.masterid },
      config: {
        own: {
          builders: parsed.builders.map((one) => ({ ...one, secrets: options.secrets ?? {} })),
          workers: workersSlice.parse(options.workers ?? localWorkers),
        },
        shared: { bus: { believeControl: options.believeControl ?? false } } as ClusterConfig,
        directory,
      },
      data,
      clock: systemClock,
      log,
      metrics: createMetrics(),
      loop: new LoopSign(),
      lost: lost.signal,
      listening: (_service, url) => {
        port = Number(new URL(url).port);
      },
      ready: () => services.ready(),
    }),
    silentLog,
  );
  let ended: Promise<void> | undefined;
  const end = async () => {
    await services.stop();
    await data.updates.close();
    await leaveCluster(database, lease, releaseEverythingOf);
    await bus.stop();
    await database.close();
  };
  ends.push(() => (ended ??= end()));
  await services.start();

  const engine: Engine = {
    data,
    directory,
    database,
    services,
    lease,
    said,
    port: () => port,
    loseLease: () => lost.abort(),
    async submit(builder, more = {}) {
      const added = await data.updates.buildsets.add({
        reason: "a test",
        sourceStamps: [{ branch: null, revision: null, repository: "", project: "", codebase: "" }],
        builders: [builder],
        scheduler: "test",
        ...more,
      });
      return Object.values(added.requests)[0] as number;
    },
    async finished(requestid) {
      await waitFor(async () => (await data.get(buildrequests, requestid))?.complete, {
        what: `request ${requestid} to end`,
      });
      const found = await data.find(builds, { filters: [equals("buildrequestid", requestid)], order: ["buildid"] });
      return found.rows as unknown as Finished[];
    },
    async properties(buildid) {
      const found = await data.rest.get(["builds", String(buildid), "properties"], new URLSearchParams());
      return (found.kind === "envelope" ? found.items[0] : {}) as Record<string, [unknown, string]>;
    },
    async logText(stepid, name) {
      const found = await data.find(logs, { filters: [equals("stepid", stepid)] });
      const log = found.rows.find((row) => row["name"] === name);
      if (!log)
        throw new Error(`step ${stepid} has no log ${name} but ${found.rows.map((row) => row["name"]).join(", ")}`);
      const answer = await data.rest.get(["logs", String(log["logid"]), "contents"], new URLSearchParams());
      if (answer.kind !== "lines") throw new Error(`the log answers with ${answer.kind}`);
      let text = "";
      for await (const piece of answer.text) text += piece;
      return text;
    },
    async stepsOf(buildid) {
      const found = await data.find(steps, { filters: [equals("buildid", buildid)], order: ["number"] });
      return found.rows as never;
    },
    async running() {
      return (await data.find(builds, { filters: [equals("complete", false)] })).total;
    },
  };
  return engine;
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
      state_string: "cancelled (not needed) 'echo begun; ...' (cancelled)",
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
    "believes no result of a message, nor the message unless told to: %s",
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
    expect(texts[0]).toMatch(/^The step's options came out wrong for this build: command: /);
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
    const sentence = "failed (the build has run longer than 1s (maxTime)) 'sleep 1000' (failure)";
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

  it("gives running builds back when the drain is cut short", async () => {
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

  it("ends a build that stops its master at once again and again", async () => {
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

describe("a build of a fork's code", () => {
  const steps = {
    b: [shell({ name: "open", command: "true" }), shell({ command: "true", env: { T: secret("token") } })],
  };
  const secrets = { token: "never shown", other: "another one" };
  const sentence = 'so it gets no secret "token"; secretsForForks: ["token"] of the builder gives it';

  /** Builds the source stamp of a change with these properties; gives how it ended and what the last step wrote of it. */
  async function build(engine: Engine, properties: Record<string, Json>, builder = "b") {
    // Each of its own revision: changes of the same source stamp are judged together.
    const revision = JSON.stringify(properties);
    const change = { author: "eve", comments: "c", branch: "refs/pull/1/head", revision, properties };
    const { changeid } = await engine.data.updates.changes.add(change);
    const { sourcestamp } = (await engine.data.get(changes, changeid)) as { sourcestamp: { ssid: number } };
    const [end] = await engine.finished(await engine.submit(builder, { sourceStamps: [sourcestamp.ssid] }));
    const last = (await engine.stepsOf(end?.buildid as number)).at(-1);
    const why =
      end?.results === Results.EXCEPTION && builder === "b"
        ? await engine.logText(last?.stepid as number, "err.text")
        : "";
    return { results: end?.results, why };
  }

  it("gets no secret unless its builder says so, and says why", async () => {
    const engine = await startEngine(steps, { secrets });
    for (const properties of [{ pullrequest_fork: true }, { pullrequest_number: 1 }, {}] as Record<string, Json>[]) {
      const refused = await build(engine, properties);
      expect(refused).toEqual({ results: Results.EXCEPTION, why: expect.stringContaining(sentence) });
      expect(refused.why).not.toContain("    at ");
    }
    expect((await build(engine, { pullrequest_fork: false })).results).toBe(Results.SUCCESS);
  });

  it.each([
    [true, Results.SUCCESS],
    [["token"], Results.SUCCESS],
    [["other"], Results.EXCEPTION],
    [[], Results.EXCEPTION],
  ] as const)("gets those that its builder lists: %j", async (secretsForForks, expected) => {
    const more = { secretsForForks: Array.isArray(secretsForForks) ? [...secretsForForks] : true };
    const engine = await startEngine(steps, { secrets, more });
    expect((await build(engine, { pullrequest_fork: true })).results).toBe(expected);
  });

  it("gets none in what it triggers either, whatever its steps say of it", async () => {
    const lie = defineStep({
      type: "lie",
      options: z.object({}),
      run: async (ctx) => {
        ctx.properties.set("pullrequest_fork", false, "lie");
        ctx.properties.set("got_revision", "another", "lie");
        return { results: Results.SUCCESS };
      },
    });
    const kids = { schedulerNames: ["kids"], waitForFinish: true, setProperties: { pullrequest_fork: false } };
    const engine = await startEngine({ ...steps, parent: [lie({}), trigger(kids)] }, { secrets });
    const id = (await engine.data.updates.schedulers.register(["kids"])).get("kids") as number;
    const rest = { properties: {}, priority: 0, reason: "triggered", codebases: {} };
    await engine.data.updates.schedulers.publishTriggerable(id, { builders: ["b"], ...rest });
    const results = [];
    for (const fork of [true, false]) results.push((await build(engine, { pullrequest_fork: fork }, "parent")).results);
    expect(results).toEqual([Results.EXCEPTION, Results.SUCCESS]);
  });
});

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
      options: z.object({}),
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
        b: [learn({ text: learnt }), wait, late({}), broken({})],
        kids: [shell({ command: "true" })],
        noise: [flood({})],
      },
      { directory, more: { properties: { first: `x ${learnt}` } } },
    );
    const id = (await engine.data.updates.schedulers.register(["kids"])).get("kids") as number;
    const rest = { properties: {}, priority: 0, reason: "triggered", codebases: {} };
    await engine.data.updates.schedulers.publishTriggerable(id, { builders: ["kids"], ...rest });
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
    expect(build?.state_string).toBe("exception saw <learnt> (<learnt>) late <learnt> (failure) finished (exception)");
    const [kid] = await engine.finished(2);
    expect(await engine.properties(kid?.buildid as number)).toMatchObject({ given: ["<learnt>", "Trigger"] });
  });
});

describe("a build that triggers others", () => {
  /** Makes a scheduler known, as the scheduler's master does. */
  async function publish(engine: Engine, name: string, builders: string[]): Promise<void> {
    const id = (await engine.data.updates.schedulers.register([name])).get(name) as number;
    const rest = { properties: {}, priority: 0, reason: "triggered", codebases: {} };
    await engine.data.updates.schedulers.publishTriggerable(id, { builders, ...rest });
  }
  const stepOf = async (engine: Engine, build: Finished | undefined) =>
    (await engine.stepsOf(build?.buildid as number))[1] as Awaited<ReturnType<Engine["stepsOf"]>>[number] & {
      urls: { name: string; url: string }[];
    };

  it("waits for them, ends as the worst of them does, and links to each", async () => {
    const engine = await startEngine({
      parent: [
        trigger({
          schedulerNames: ["kids"],
          waitForFinish: true,
          setProperties: { from: (b) => b.property("buildername") ?? null },
        }),
      ],
      good: [shell({ command: ["printf", "%s\\n", (b) => String(b.property("from"))] })],
      bad: [shell({ command: "false" })],
    });
    await publish(engine, "kids", ["good", "bad"]);
    const [build] = await engine.finished(await engine.submit("parent"));
    expect(build?.results).toBe(Results.FAILURE);
    const step = await stepOf(engine, build);
    expect(step.state_string).toBe("triggered kids, 1 failure (failure)");
    expect(step.urls.map(({ name }) => name).toSorted()).toEqual([
      "failure: bad #1",
      "kids #2",
      "kids #3",
      "success: good #1",
    ]);
    expect(step.urls.map(({ url }) => url)).toContain("#/buildrequests/2");
    const children = (await engine.data.find(builds, { order: ["buildid"] })).rows.slice(1);
    expect(children.map(({ results }) => results).toSorted()).toEqual([Results.SUCCESS, Results.FAILURE]);
    const good = children.find(({ results }) => results === Results.SUCCESS);
    expect(await engine.properties(good?.buildid as number)).toMatchObject({
      from: ["parent", "Trigger"],
      scheduler: ["kids", "Scheduler"],
    });
  });

  it("does not wait unless it is told to", async () => {
    const engine = await startEngine({
      parent: [trigger({ schedulerNames: ["kids"] })],
      child: [shell({ command: "true" })],
    });
    await publish(engine, "kids", ["child"]);
    await engine.data.updates.workers.setPaused(1, true, null);
    const request = await engine.submit("parent");
    await engine.data.updates.workers.setPaused(1, false, null);
    const [build] = await engine.finished(request);
    expect(build).toMatchObject({ results: Results.SUCCESS, state_string: "build successful" });
    expect((await stepOf(engine, build)).state_string).toBe("triggered kids");
    expect((await engine.finished(2))[0]?.results).toBe(Results.SUCCESS);
    expect(await engine.data.get(buildrequests, 2)).toMatchObject({ waited_for: false });
  });

  it("cancels them when it is stopped: those that run and those that wait", async () => {
    const engine = await startEngine({
      parent: [trigger({ schedulerNames: ["kids"], waitForFinish: true }), shell({ command: "true" })],
      child: [shell({ command: "sleep 1000" })],
      other: [shell({ command: "sleep 1000" })],
    });
    await publish(engine, "kids", ["child", "other"]);
    const request = await engine.submit("parent");
    // The worker takes two: the parent and one of its children.
    await waitFor(async () => (await engine.running()) === 2, { what: "a child to run" });
    await engine.data.updates.builds.requestStop(1, "not needed");
    const [build] = await engine.finished(request);
    expect(build?.results).toBe(Results.CANCELLED);
    expect((await stepOf(engine, build)).results).toBe(Results.CANCELLED);
    for (const child of [2, 3]) {
      await engine.finished(child);
      expect(await engine.data.get(buildrequests, child)).toMatchObject({ results: Results.CANCELLED });
    }
    expect((await engine.data.find(builds, {})).rows.map(({ results }) => results)).toEqual([6, 6]);
  });

  it("says in its log which scheduler is not there", async () => {
    const engine = await startEngine({ parent: [trigger({ schedulerNames: ["kids"] })] });
    const [build] = await engine.finished(await engine.submit("parent"));
    expect(build?.results).toBe(Results.EXCEPTION);
    expect(await engine.logText((await stepOf(engine, build)).stepid, "err.text")).toBe(
      'There is no triggerable scheduler "kids" (have: none).\n',
    );
  });

  it("finds them again when it is itself run again", async () => {
    const engine = await startEngine({
      parent: [trigger({ schedulerNames: ["kids"], waitForFinish: true })],
      child: [shell({ command: "sleep 1000" })],
    });
    await publish(engine, "kids", ["child"]);
    const request = await engine.submit("parent");
    await waitFor(async () => (await engine.running()) === 2, { what: "the child to run" });
    const now = new AbortController();
    now.abort();
    await engine.services.drain(now.signal);
    await engine.services.stop();
    // Both were given back; the child is still wanted.
    expect(await engine.data.get(buildrequests, 2)).toMatchObject({ claimed: false, complete: false });

    const heir = await startEngine(
      {
        parent: [trigger({ schedulerNames: ["kids"], waitForFinish: true })],
        child: [shell({ command: "true" })],
      },
      { directory: engine.directory, name: "heir" },
    );
    expect((await heir.finished(request)).map(({ results }) => results)).toEqual([Results.RETRY, Results.SUCCESS]);
    expect((await heir.finished(2)).map(({ results }) => results)).toEqual([Results.RETRY, Results.SUCCESS]);
    expect((await heir.data.find(buildrequests, {})).total).toBe(2);
  });
});

/** A request that is cancelled while all workers are paused: after it, the pause has been seen. */
async function pausedOut(engine: Engine): Promise<number> {
  const request = await engine.submit("b", { priority: -1 });
  await engine.data.updates.buildrequests.cancel(request, "only a test");
  return request;
}

const remoteWorkers: WorkersSliceInput = { host: "127.0.0.1", port: 0, workers: [{ name: "w1", password: "secret" }] };

interface Wire {
  readonly port: number;
  /** Cuts every connection. */
  cut(): void;
  /** Nothing more goes through, but nobody is told. */
  freeze(): void;
}

/** A network between worker and engine that can fail. */
async function startWire(target: number): Promise<Wire> {
  const pairs = new Set<[Socket, Socket]>();
  const server = createServer((near) => {
    const far = connect(target, "127.0.0.1");
    const pair: [Socket, Socket] = [near, far];
    pairs.add(pair);
    near.pipe(far);
    far.pipe(near);
    const end = () => {
      for (const socket of pair) socket.destroy();
    };
    for (const socket of pair) socket.on("error", () => {}).on("close", end);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const cut = () => {
    for (const socket of [...pairs].flat()) socket.destroy();
  };
  ends.push(async () => {
    cut();
    server.close();
  });
  return {
    port: (server.address() as AddressInfo).port,
    cut,
    freeze() {
      for (const socket of [...pairs].flat()) socket.unpipe().pause();
    },
  };
}

async function startWorker(port: number, basedir: string): Promise<void> {
  const worker = createWorker({
    url: `ws://127.0.0.1:${port}`,
    name: "w1",
    password: "secret",
    basedir,
    log: silentLog,
    retryMs: 100,
  });
  ends.push(() => worker.stop());
  await worker.start();
}

const isAttached = async (engine: Engine) =>
  ((await engine.data.get(workers, 1))?.["connected_to"] as unknown[] | undefined)?.length === 1;

describe("an engine with a worker over the network", () => {
  it("runs a build again whose worker was lost, and ends what that left running before", async () => {
    const directory = temporaryDirectory("worker");
    const pidFile = join(directory, "pid");
    const engine = await startEngine(
      {
        b: [
          shell({
            command: `test -e ${pidFile} && exit 0; echo $$ > ${pidFile}.new; mv ${pidFile}.new ${pidFile}; exec sleep 1000`,
          }),
        ],
      },
      { workers: remoteWorkers },
    );
    const wire = await startWire(engine.port());
    await startWorker(wire.port, directory);
    const request = await engine.submit("b");
    const pid = Number(
      await waitFor(() => existsSync(pidFile) && readFileSync(pidFile, "utf8"), { what: "the command" }),
    );
    wire.cut();
    const found = await engine.finished(request);
    expect(found.map((build) => [build.results, build.state_string])).toEqual([
      [Results.RETRY, "the connection to worker w1 ended"],
      [Results.SUCCESS, "build successful"],
    ]);
    expect(() => process.kill(pid, 0)).toThrow("ESRCH");
    expect(await engine.stepsOf(found[0]?.buildid as number)).toMatchObject([
      { results: 0 },
      { results: Results.RETRY, state_string: "'test -e ...' (retry)" },
    ]);
  });

  it("keeps the first of two workers of one name while it answers, and takes the second when it does not", async () => {
    const engine = await startEngine({ b: [shell({ command: "true" })] }, { workers: remoteWorkers });
    const wire = await startWire(engine.port());
    await startWorker(wire.port, temporaryDirectory("first"));
    await waitFor(() => isAttached(engine), { what: "the first worker" });
    const second = temporaryDirectory("second");
    await startWorker(engine.port(), second);
    await waitFor(() => engine.said.some((text) => text.startsWith("a second worker named w1 was refused")), {
      what: "the refusal",
    });
    const builddirOf = async (request: number) =>
      (await engine.properties((await engine.finished(request))[0]?.buildid as number))["basedir"]?.[0];
    expect(await builddirOf(await engine.submit("b"))).not.toBe(second);
    wire.freeze();
    await waitFor(() => engine.said.filter((text) => text === "worker w1 is attached").length === 2, {
      what: "the second worker",
    });
    expect(await builddirOf(await engine.submit("b"))).toBe(second);
  });

  it("keeps two connections of one name that nobody has attached yet, the newest of them", async () => {
    const engine = await startEngine({ b: [shell({ command: "true" })] }, { workers: remoteWorkers });
    // None of them says who it is: each would hold half a frame for as long as it waits.
    const headers = { Authorization: formatBasicAuth("w1", "secret") };
    const silent: WebSocket[] = [];
    for (let i = 0; i < 20; i++) {
      const socket = new WebSocket(`ws://127.0.0.1:${engine.port()}`, { headers, perMessageDeflate: false });
      socket.on("error", () => undefined);
      ends.push(async () => socket.terminate());
      await new Promise((resolve) => socket.once("open", resolve));
      silent.push(socket);
    }
    await waitFor(() => silent.filter((socket) => socket.readyState === WebSocket.OPEN).length <= 2, {
      what: "the others to be cut",
      timeoutMs: 3000,
    });
    expect(silent.at(-1)?.readyState).toBe(WebSocket.OPEN);
    for (const socket of silent) socket.terminate();
    await startWorker(engine.port(), temporaryDirectory("worker"));
    await waitFor(() => isAttached(engine), { what: "the worker" });
  });

  it("sends workers on while it drains, to come back to another master", async () => {
    const engine = await startEngine({ b: [shell({ command: "sleep 0.3" })] }, { workers: remoteWorkers });
    await startWorker(engine.port(), temporaryDirectory("worker"));
    const request = await engine.submit("b");
    await waitFor(() => engine.running(), { what: "the build to run" });
    const ready = async () => (await fetch(`http://127.0.0.1:${engine.port()}/ready`)).status;
    expect(await ready()).toBe(200);
    const drained = engine.services.drain(new AbortController().signal);
    expect(await ready()).toBe(503);
    await drained;
    expect((await engine.finished(request))[0]?.results).toBe(Results.SUCCESS);
    expect(await isAttached(engine)).toBe(false);
    expect(engine.said.filter((text) => text === "worker w1 is attached")).toHaveLength(1);
  });

  it("lets a graceful worker finish its build and then ends it", async () => {
    const engine = await startEngine({ b: [shell({ command: "sleep 0.3" })] }, { workers: remoteWorkers });
    const worker = createWorker({
      url: `ws://127.0.0.1:${engine.port()}`,
      name: "w1",
      password: "secret",
      basedir: temporaryDirectory("worker"),
      log: silentLog,
    });
    ends.push(() => worker.stop());
    await worker.start();
    const request = await engine.submit("b");
    await waitFor(() => engine.running(), { what: "the build to run" });
    await engine.data.updates.workers.setGraceful(1, true);
    await worker.shutdownRequested;
    expect((await engine.finished(request))[0]?.results).toBe(Results.SUCCESS);
    await waitFor(async () => (await engine.data.get(workers, 1))?.["graceful"] === false, {
      what: "the mark to be taken off",
    });
  });

  it("ends a worker at once when its row says so, though it has a build and no message came", async () => {
    const engine = await startEngine({ b: [shell({ command: "sleep 600" })] }, { workers: remoteWorkers });
    const worker = createWorker({
      url: `ws://127.0.0.1:${engine.port()}`,
      name: "w1",
      password: "secret",
      basedir: temporaryDirectory("worker"),
      log: silentLog,
    });
    ends.push(() => worker.stop());
    await worker.start();
    await engine.submit("b");
    await waitFor(() => engine.running(), { what: "the build to run" });
    await engine.data.updates.workers.setGraceful(1, "at once");
    await worker.shutdownRequested;
    await waitFor(async () => (await engine.data.get(workers, 1))?.["graceful"] === false, {
      what: "the mark to be taken off",
    });
  });

  it("lets others see why a request waits: what it offers is in the rows", async () => {
    const engine = await startEngine(
      { limited: [shell({ command: "sleep 600" })], other: [shell({ command: "sleep 600" })] },
      { workers: { workers: [{ name: "w1", local: true, maxBuilds: 2 }] }, more: { maxBuilds: 1, builddir: "same" } },
    );
    await engine.submit("limited");
    await waitFor(() => engine.running(), { what: "the build to run" });
    const [second, third] = [await engine.submit("limited"), await engine.submit("other")];
    const why = async (id: number) => {
      const found = await engine.data.find(waiting, { filters: [equals("buildrequestid", id)] });
      return found.rows[0]?.reasons.map(({ kind }) => kind);
    };
    expect([await why(second), await why(third)]).toEqual([["max_builds"], ["directory_in_use"]]);
  });

  it("takes no worker that none of its builders can use", async () => {
    const engine = await startEngine(
      { b: [shell({ command: "true" })] },
      {
        workers: {
          ...remoteWorkers,
          workers: [
            { name: "w1", password: "other" },
            { name: "idle", password: "secret" },
          ],
        },
      },
    );
    const worker = createWorker({
      url: `ws://127.0.0.1:${engine.port()}`,
      name: "idle",
      password: "secret",
      basedir: temporaryDirectory("idle"),
      log: silentLog,
    });
    ends.push(() => worker.stop());
    await worker.start();
    await waitFor(() => engine.said.includes("worker idle was sent on: no builder of this engine can use it"), {
      what: "the sentence",
    });
  });
});

describe("an engine whose database goes away", () => {
  it("goes on with its builds when PostgreSQL is back, and has lost no line", async () => {
    postgres = await startPostgres();
    const directory = temporaryDirectory("away");
    const goOn = join(directory, "go-on");
    const count = "i=0; while [ $i -lt 300 ]; do echo line $i; i=$((i+1)); sleep 0.01; done";
    const engine = await startEngine(
      {
        b: [
          shell({ command: count, logEnviron: false }),
          shell({ name: "next", command: `while ! test -e ${goOn}; do sleep 0.05; done` }),
        ],
      },
      { url: await postgres.createDatabase() },
    );
    const request = await engine.submit("b");
    const stepid = await waitFor(async () => (await engine.stepsOf(1))[1]?.stepid, { what: "the step" });
    await waitFor(async () => (await engine.logText(stepid, "stdio")).includes("line 10"), { what: "output" });
    await postgres.restart("immediate");
    await waitFor(async () => (await engine.stepsOf(1))[2], { what: "the next step" });
    await postgres.stop();
    writeFileSync(goOn, "");
    const before = engine.said.length;
    await waitFor(() => engine.said.slice(before).some((text) => text.startsWith("a write failed")), {
      what: "the engine to notice",
    });
    await postgres.start();
    const found = await engine.finished(request);
    expect(found.map((build) => build.results)).toEqual([Results.SUCCESS]);
    const lines = (await engine.logText(stepid, "stdio")).split("\n").filter((line) => line.startsWith("oline"));
    expect(lines).toEqual(Array.from({ length: 300 }, (_, i) => `oline ${i}`));
    expect((await engine.data.find(builds, {})).total).toBe(1);
  });
});

describe("the git step", () => {
  const localGit = { config: { "protocol.file.allow": "always" } };
  const worktree = (engine: Engine) => join(engine.directory, "workers/w1/b/build");
  const read = (engine: Engine, file: string) => readFileSync(join(worktree(engine), file), "utf8");

  async function runGit(engine: Engine, stamp: { branch?: string | null; revision?: string | null } = {}) {
    const request = await engine.submit("b", {
      sourceStamps: [{ branch: null, revision: null, repository: "", project: "", codebase: "", ...stamp }],
    });
    const [build] = await engine.finished(request);
    const properties = await engine.properties(build?.buildid as number);
    const step = (await engine.stepsOf(build?.buildid as number))[1];
    return { results: build?.results, state: build?.state_string, got: properties["got_revision"], step };
  }

  it("checks out nothing in particular, a branch, a revision, and one that has left its branch", async () => {
    const repository = createGitRepository({ files: { f: "1" } });
    const first = repository.revision();
    const second = repository.commit({ files: { f: "2" } });
    const other = repository.commit({ files: { f: "other" }, branch: "side" });
    const engine = await startEngine({ b: [git({ repourl: repository.url, revisionMustBeOnBranch: false })] });

    expect(await runGit(engine)).toMatchObject({
      results: 0,
      got: [second, "Git"],
      step: { state_string: `update HEAD ${second.slice(0, 10)}` },
    });
    expect(read(engine, "f")).toBe("2");
    expect(await runGit(engine, { branch: "side" })).toMatchObject({ results: 0, got: [other, "Git"] });
    expect(await runGit(engine, { branch: "main", revision: first })).toMatchObject({
      results: 0,
      got: [first, "Git"],
    });
    expect(read(engine, "f")).toBe("1");
    const lost = repository.commit({ files: { f: "lost" }, branch: "side" });
    repository.forcePush("side", "side~1");
    repository.git("push", "--quiet", "origin", `${lost}:refs/heads/kept`);
    expect(await runGit(engine, { branch: "side", revision: lost })).toMatchObject({ results: 0, got: [lost, "Git"] });
    expect(await runGit(engine, { branch: "main", revision: "f".repeat(40) })).toMatchObject({
      results: 2,
      state: `failed update main (the repository has no revision ${"f".repeat(40)})`,
    });
    expect(await runGit(engine, { branch: "--upload-pack=touch x" })).toMatchObject({ results: 2 });
  });

  it("works on the code of pull requests in a directory of its own", async () => {
    const repository = createGitRepository();
    repository.git("push", "--quiet", "origin", "main:refs/pull/9/head");
    const engine = await startEngine({ b: [git({ repourl: repository.url })] });
    expect(await runGit(engine, { branch: "refs/pull/9/head" })).toMatchObject({ results: 0 });
    expect(existsSync(join(engine.directory, "workers/w1/b~forks/build/README.md"))).toBe(true);
    expect(existsSync(worktree(engine))).toBe(false);
  });

  it("keeps what lies about in mode incremental, and removes it in mode full", async () => {
    const repository = createGitRepository({ files: { ".gitignore": "ignored\n" } });
    const litter = (engine: Engine) => {
      for (const name of ["ignored", "untracked"]) writeFileSync(join(worktree(engine), name), "x");
    };
    const left = (engine: Engine) =>
      ["ignored", "untracked"].filter((name) => existsSync(join(worktree(engine), name)));
    const cases = [
      [git({ repourl: repository.url }), ["ignored", "untracked"]],
      [git({ repourl: repository.url, mode: "full", method: "clean" }), ["ignored"]],
      [git({ repourl: repository.url, mode: "full" }), []],
      [git({ repourl: repository.url, mode: "full", method: "clobber" }), []],
    ] as const;
    for (const [step, expected] of cases) {
      const engine = await startEngine({ b: [step] });
      expect(await runGit(engine)).toMatchObject({ results: 0 });
      litter(engine);
      expect(await runGit(engine)).toMatchObject({ results: 0 });
      expect(left(engine)).toEqual(expected);
    }
  });

  it("fetches one commit when shallow, even for an older revision", async () => {
    const repository = createGitRepository();
    const old = repository.revision();
    repository.commit();
    const newest = repository.commit();
    const engine = await startEngine({ b: [git({ repourl: repository.url, shallow: true })] });
    expect(await runGit(engine, { branch: "main" })).toMatchObject({ results: 0, got: [newest, "Git"] });
    expect(execFileSync("git", ["rev-list", "--count", "HEAD"], { cwd: worktree(engine), encoding: "utf8" })).toBe(
      "1\n",
    );
    expect(await runGit(engine, { branch: "main", revision: old })).toMatchObject({ results: 0, got: [old, "Git"] });
  });

  it("brings submodules along", async () => {
    const library = createGitRepository({ files: { lib: "library" } });
    const repository = createGitRepository();
    repository.git("-c", "protocol.file.allow=always", "submodule", "add", "--quiet", library.url, "lib");
    repository.commit({ message: "Add a submodule" });
    const engine = await startEngine({
      b: [git({ repourl: repository.url, submodules: true, mode: "full", ...localGit })],
    });
    expect(await runGit(engine)).toMatchObject({ results: 0 });
    expect(read(engine, "lib/lib")).toBe("library");
    expect(await runGit(engine)).toMatchObject({ results: 0 });
  });

  it("begins anew where the directory is broken, and never touches a repository around it", async () => {
    const repository = createGitRepository({ files: { f: "1" } });
    const directory = temporaryDirectory("around");
    execFileSync("git", ["init", "--quiet", directory]);
    writeFileSync(join(directory, "mine"), "precious");
    const engine = await startEngine({ b: [git({ repourl: repository.url, mode: "full" })] }, { directory });
    mkdirSync(worktree(engine), { recursive: true });
    writeFileSync(join(worktree(engine), "rubbish"), "x");
    expect(await runGit(engine)).toMatchObject({ results: 0 });
    expect(existsSync(join(worktree(engine), "rubbish"))).toBe(false);

    rmSync(join(worktree(engine), ".git/HEAD"));
    expect(await runGit(engine)).toMatchObject({ results: 0 });
    writeFileSync(join(worktree(engine), ".git/index.lock"), "");
    expect(await runGit(engine)).toMatchObject({ results: 0 });
    expect(readFileSync(join(directory, "mine"), "utf8")).toBe("precious");
    expect(existsSync(join(directory, ".git/FETCH_HEAD"))).toBe(false);
  });

  it("tries again when the repository cannot be reached, then fails and halts the build", async () => {
    const nowhere = join(temporaryDirectory(), "nowhere");
    const engine = await startEngine({
      b: [git({ repourl: nowhere, retry: { delay: "10ms", times: 2 } }), shell({ command: "true" })],
    });
    const { results, state, step } = await runGit(engine);
    expect(results).toBe(Results.FAILURE);
    expect(state).toBe("failed update HEAD (git fetch failed)");
    const text = await engine.logText(step?.stepid as number, "stdio");
    expect(text.match(/it is tried again/g)).toHaveLength(2);
  });

  it("uses the newest commit when told to ignore the revision", async () => {
    const repository = createGitRepository();
    const old = repository.revision();
    const newest = repository.commit();
    const engine = await startEngine({ b: [git({ repourl: repository.url, alwaysUseLatest: true })] });
    expect(await runGit(engine, { branch: "main", revision: old })).toMatchObject({ results: 0, got: [newest, "Git"] });
  });
});
