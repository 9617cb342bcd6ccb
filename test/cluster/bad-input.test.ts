import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import { startBuildbotWorker } from "../harness/buildbot-worker.ts";
import { findViolations } from "../harness/checks.ts";
import { configFile, startCluster } from "../harness/cluster.ts";
import { startMaster } from "../harness/master.ts";
import { freePort } from "../harness/ports.ts";
import { startProcess } from "../harness/processes.ts";
import { temporaryDirectory } from "../harness/temporary-directory.ts";
import { waitFor } from "../harness/wait-for.ts";

const program = fileURLToPath(new URL("../../packages/cli/bin/master.mjs", import.meta.url));
const ledger = "test/cluster/configs/ledger/cluster.ts";

async function runMaster(args: readonly string[], env: Record<string, string> = {}) {
  const child = await startProcess({ name: "master", command: process.execPath, args: [program, ...args], env });
  const { code } = await child.waitForExit({ timeoutMs: 60_000 });
  expect(child.output()).not.toMatch(/\n\s+at .*\(?(file:|node:|\/)/);
  return { code, output: child.output() };
}

describe("a mistake on the command line or in the config", () => {
  it("in a config is listed with all the others, each with its file and path", async () => {
    const { code, output } = await runMaster([
      "check-config",
      "--config",
      configFile("test/cluster/configs/broken/cluster.ts"),
    ]);
    expect(code).toBe(2);
    for (const place of [
      "cluster.ts: name:",
      "cluster.ts: bus.router:",
      "cluster.ts: bus.relm:",
      "cluster.ts: lease:",
      "scheduler.ts: schedulers[0].builders:",
      "builders.ts: builders[0].workers:",
      "builders.ts: builders[0].steps[0].command:",
      "builders.ts: builders[0].steps[0].comand:",
      "workers.ts: workers[0].name:",
      "ui.ts: port:",
    ]) {
      expect(output).toContain(place);
    }
    expect(output).toContain("10 errors");
    expect(
      (await runMaster(["start", "--config", configFile("test/cluster/configs/broken/cluster.ts")])).output,
    ).toContain("10 errors");
  });

  it("names what is there instead: roles, builder sets, config files, databases", async () => {
    const config = configFile("configs/asymmetric/cluster.ts");
    const env = { DATABASE_URL: `postgresql://nobody@127.0.0.1:${await freePort()}/none`, WORKER_PASSWORD: "x" };
    const role = await runMaster(["start", "--config", config, "--role", "builder"], env);
    expect(role).toMatchObject({
      code: 2,
      output: expect.stringContaining('no role "builder" (have: scheduler, builder-engine, ui)'),
    });
    const set = await runMaster(["start", "--config", config, "--role", "builder-engine", "--builders", "mobile"], env);
    expect(set).toMatchObject({ code: 2, output: expect.stringContaining('no builder set "mobile" (have: web, db)') });
    // Refused before the database is asked: the master that got such a command could only log it.
    const added = await runMaster(["role", "add", "engine-1", "bulder", "--config", config], env);
    expect(added).toMatchObject({ code: 2, output: expect.stringContaining('no role "bulder" (have: scheduler, ') });
    const missing = await runMaster(["start", "--config", "no-such-file.ts"]);
    expect(missing).toMatchObject({ code: 2, output: expect.stringContaining("no-such-file.ts") });
    const gone = await runMaster(["start", "--config", config, "--role", "ui"], env);
    expect(gone).toMatchObject({ code: 3, output: expect.stringMatching(/cannot be reached: .*refused/) });
    const mysql = await runMaster(["start", "--config", config, "--role", "ui"], {
      ...env,
      DATABASE_URL: "mysql://x/y",
    });
    expect(mysql).toMatchObject({ code: 2, output: expect.stringContaining("PostgreSQL and SQLite") });
  });

  it("a role never evaluates the files of another", async () => {
    const directory = temporaryDirectory("config");
    writeFileSync(
      join(directory, "cluster.ts"),
      `export default { name: "x", database: "sqlite:x.sqlite", builders: { all: () => import("./builders.ts") }, workers: () => import("./workers.ts"), ui: () => import("./ui.ts") };`,
    );
    writeFileSync(join(directory, "builders.ts"), `throw new Error("the builders were evaluated");`);
    writeFileSync(join(directory, "workers.ts"), "export default { workers: [] };");
    writeFileSync(join(directory, "ui.ts"), "export default { port: 0 };");
    const ui = await startMaster({ config: join(directory, "cluster.ts"), roles: ["ui"] });
    await ui.waitReady();
    await ui.stop();
    const engine = await runMaster(["start", "--config", join(directory, "cluster.ts"), "--role", "builder-engine"]);
    expect(engine).toMatchObject({
      code: 2,
      output: expect.stringContaining("builders.ts: cannot be loaded: the builders were evaluated"),
    });
  });

  it("a second master on one SQLite file is refused while the first one lives, and not once the first one was killed", async () => {
    const directory = temporaryDirectory("sqlite");
    const config = join(directory, "cluster.ts");
    writeFileSync(
      config,
      `export default { name: "x", database: "sqlite:state/x.sqlite", ui: async () => ({ default: { port: 0 } }) };`,
    );
    mkdirSync(join(directory, "state"));
    const first = await startMaster({ config, roles: ["ui"] });
    await first.waitReady();
    const second = await runMaster(["start", "--config", config, "--role", "ui"]);
    expect(second).toMatchObject({ code: 3, output: expect.stringContaining("use PostgreSQL for a cluster") });
    const status = await runMaster(["status", "--config", config]);
    expect(status).toMatchObject({ code: 0, output: expect.stringContaining("running") });
    await first.kill9();
    const third = await startMaster({ config, roles: ["ui"] });
    await third.waitReady();
  });

  it("a starter config works as it is written, and is never written over", async () => {
    const directory = join(temporaryDirectory("starter"), "ci");
    expect((await runMaster(["init", directory])).code).toBe(0);
    const config = join(directory, "cluster.ts");
    expect(await runMaster(["check-config", "--config", config])).toMatchObject({
      code: 0,
      output: expect.stringContaining("The config is good"),
    });
    expect(await runMaster(["init", directory])).toMatchObject({
      code: 2,
      output: expect.stringContaining("already exists"),
    });
    expect(await runMaster(["init", config])).toMatchObject({
      code: 3,
      output: expect.stringContaining("cannot be written: a file stands where a directory must be"),
    });
    const empty = await runMaster(["start", "--config", config, "--role", ""]);
    expect(empty).toMatchObject({ code: 2, output: expect.stringContaining("omit the option to select all") });
    expect(await runMaster(["start", "--config", config, "--role", "ui", "--builders", "all"])).toMatchObject({
      code: 2,
      output: expect.stringContaining("chooses what a builder-engine runs"),
    });
  });
});

describe("a master whose name is taken", () => {
  it("is refused when it was chosen, and numbered when it was not", async () => {
    const cluster = await startCluster({ config: ledger, router: false });
    const first = await cluster.master({ roles: ["ui"], name: "front" });
    await first.waitReady();
    const refused = await runMaster(
      ["start", "--config", configFile(ledger), "--role", "ui", "--name", "front"],
      cluster.env,
    );
    expect(refused).toMatchObject({ code: 3, output: expect.stringContaining('already has the name "front"') });
    const others = [await cluster.master({ roles: ["ui"] }), await cluster.master({ roles: ["ui"] })];
    await Promise.all(others.map((other) => other.waitReady()));
    const names = (await cluster.rows<{ name: string }>("select name from masters where active = 1 order by id")).map(
      ({ name }) => name,
    );
    expect(names[0]).toBe("front");
    expect(names[2]).toBe(`${names[1]}-2`);
    const status = await runMaster(["status", "--json", "--config", configFile(ledger)], cluster.env);
    expect((JSON.parse(status.output) as { masters: { name: string }[] }).masters.map(({ name }) => name)).toEqual(
      names.toSorted(),
    );
  });
});

describe("what comes to the ports of a running cluster", () => {
  it("is answered with a sentence, and hurts no one else", async () => {
    const cluster = await startCluster({ config: ledger, router: false, env: { POLL: "no", WORKERS: "w1,w2" } });
    const master = await cluster.master({ name: "all" });
    await master.waitReady();
    await cluster.workers(master, master, ["w1"]);
    const port = await master.workerPort();

    const wrong = await startBuildbotWorker({ port, name: "w2", password: "wrong" });
    await waitFor(() => master.logLines().some((line) => String(line.msg).includes("w2")), {
      what: "the refusal in the log",
    });
    const unknown = await startBuildbotWorker({ port, name: "stranger", password: "wrong" });
    await waitFor(() => master.logLines().some((line) => String(line.msg).includes("stranger")), {
      what: "the refusal in the log",
    });
    await Promise.all([wrong.stop(), unknown.stop()]);

    for (const frame of [Buffer.from("no msgpack"), Buffer.from([0x82, 0xa2, 0x6f]), Buffer.alloc(70 << 20)]) {
      const socket = new WebSocket(`ws://127.0.0.1:${port}/`, {
        auth: `w2:${cluster.env["WORKER_PASSWORD"]}`,
        perMessageDeflate: false,
      });
      const closed = new Promise<number>((resolve) => socket.on("close", resolve));
      socket.on("error", () => {});
      await new Promise((resolve) => socket.on("open", resolve));
      socket.send(frame);
      expect([1002, 1003, 1006, 1007, 1009]).toContain(await closed);
    }
    const plain = connect(port, "127.0.0.1", () => plain.end("\x00\x00pb\x80hello\n"));
    plain.on("error", () => {});

    for (const [path, status] of [
      ["builds?limit=x", 400],
      ["builds?limit=-1", 400],
      ["builds?order=nope", 400],
      ["builds?field=nope", 400],
      ["builds?nope=1", 400],
      ["builds/999999", 404],
      ["builds/abc", 404],
      ["nothing", 404],
    ] as const) {
      const answer = await master.api<{ error: string }>(path);
      expect([path, answer.status]).toEqual([path, status]);
      expect(answer.body.error).not.toMatch(/\n\s+at /);
    }
    expect((await master.apiPost("builds/999999", "stop")).status).toBe(404);
    expect((await master.apiPost("builders/1", "explode")).status).toBe(501);

    await master.apiPost("forceschedulers/force", "force", { builderNames: ["job"], reason: "still well" });
    await waitFor(
      async () => (await cluster.rows("select 1 from buildrequests where complete = 1 and results = 0")).length === 1,
      { what: "a build" },
    );
    expect(master.log()).not.toMatch(/unhandled|uncaught/i);
  });
});

describe("PostgreSQL gone in the middle of a build", () => {
  it("stops no one; the build goes on and no line of its log is missing", async () => {
    const cluster = await startCluster({
      config: ledger,
      env: { POLL: "no", WORK: "for i in $(seq 1 100); do echo line $i; sleep 0.15; done" },
    });
    const ui = await cluster.master({ roles: ["ui", "scheduler"], name: "front" });
    const engine = await cluster.master({ roles: ["builder-engine"], name: "engine" });
    await Promise.all([ui.waitReady(), engine.waitReady()]);
    await cluster.workers(engine, ui, ["w1"]);
    await ui.apiPost("forceschedulers/force", "force", { builderNames: ["job"], reason: "outage" });
    await waitFor(async () => (await cluster.rows("select 1 from logs where num_lines > 20")).length >= 1, {
      what: "output to flow",
    });
    await cluster.postgres.restart("immediate");
    await waitFor(async () => (await cluster.rows("select 1 from buildrequests where complete = 1")).length === 1, {
      what: "the build to end",
      timeoutMs: 90_000,
    });
    expect(await cluster.rows("select results from builds")).toEqual([{ results: 0 }]);
    expect(await findViolations(cluster)).toEqual([]);
    const log = await (await ui.fetch("api/v2/builds/1/steps/work/logs/stdio/raw")).text();
    const lines = log.split("\n").filter((line) => /^line \d+$/.test(line));
    expect(lines).toEqual(Array.from({ length: 100 }, (_, i) => `line ${i + 1}`));
    expect(execFileSync("ps", ["-o", "pid=", "-p", String(engine.process.pid)], { encoding: "utf8" }).trim()).toBe(
      String(engine.process.pid),
    );
  });
});
