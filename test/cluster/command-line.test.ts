import { chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { configFile } from "../harness/cluster.ts";
import { startMaster, type TestMaster } from "../harness/master.ts";
import { freePort } from "../harness/ports.ts";
import { runProcess, startProcess } from "../harness/processes.ts";
import { masterProgram, runMaster, startCommand } from "../harness/run-master.ts";
import { startTcpProxy } from "../harness/tcp-proxy.ts";
import { temporaryDirectory } from "../harness/temporary-directory.ts";
import { waitFor } from "../harness/wait-for.ts";

const config = configFile("test/cluster/configs/command-line/cluster.ts");
const directory = temporaryDirectory("command-line");
const gates = join(directory, "gates");
const environment = {
  XDG_CONFIG_HOME: directory,
  MULTIMASTER_URL: undefined,
  MULTIMASTER_TOKEN: undefined,
  NO_COLOR: "1",
};

let master: TestMaster;
let url: string;

/** Runs a command against the master. */
const run = (...args: string[]) => runMaster(args, { ...environment, MULTIMASTER_URL: url });
const openGate = (name: string) => writeFileSync(join(gates, name), "");

const before = Array.from({ length: 300 }, (_, i) => `before ${i + 1}`);
const after = Array.from({ length: 300 }, (_, i) => `after ${i + 1}`);
/** What the step "work" wrote, of all that was printed. */
const linesOfWork = (output: string) =>
  output
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => /^(before|after) \d+$/.test(line));

beforeAll(async () => {
  mkdirSync(gates);
  openGate("open");
  master = await startMaster({
    config,
    name: "one",
    env: { DATABASE_URL: `sqlite:${directory}/state.sqlite`, BASEDIR: join(directory, "workers"), GATE: gates },
  });
  await master.waitReady();
  url = await master.url();
  const connected = async () =>
    (await master.api<{ workers: { connected_to: [] }[] }>("workers/local")).body.workers[0];
  await waitFor(async () => (await connected())?.connected_to.length, { what: "the local worker to be attached" });
});

describe("a build that is followed", () => {
  it("is shown to its end without a missing or repeated line, though the ui master is away meanwhile", async () => {
    const proxy = await startTcpProxy({ target: url });
    const args = ["force", "--builder", "web", "--property", "gate=away", "--follow", "--url", proxy.url(url)];
    const command = await startCommand(args, environment);
    await command.waitForOutput("before 300");
    await proxy.refuse();
    proxy.cut();
    openGate("away");
    await command.waitForOutput("; retrying");
    await waitFor(async () => (await master.api<{ meta: { total: number } }>("builds?complete=true")).body.meta.total, {
      what: "the build to end while no one can see it",
    });
    await proxy.accept();
    expect((await command.waitForExit()).code).toBe(0);
    expect(linesOfWork(command.stdout())).toEqual([...before, ...after]);
    expect(command.stdout()).toMatch(
      /▶ web #1 .*▶ hello.*✓ success hello: .*✓ success work: .*✓ success web #1: build successful/s,
    );
    expect(command.stderr()).toContain("connected again");
  });

  it("returns its result as the exit code, and prints each event for programs", async () => {
    const { code, stdout } = await run("force", "--builder", "web", "--property", "code=3", "--follow", "--json");
    expect(code).toBe(1);
    const events = stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(
      events.filter(({ event, stream }) => event === "line" && stream === "stdout").map(({ text }) => text),
    ).toEqual(["hello", ...before, ...after]);
    expect(events.at(-1)).toMatchObject({ event: "finished", builder: "web", build: { number: 2, results: 2 } });
    expect((await run("build", "show", "web/2")).code).toBe(1);
    const failed = JSON.parse((await run("builds", "--failed", "--json")).stdout) as { builds: { number: number }[] };
    expect(failed.builds.map(({ number }) => number)).toEqual([2]);
  });

  it("goes on when Ctrl-C ends the looking, until it is stopped", async () => {
    const follow = await startCommand(["rebuild", "web/2", "--follow", "--url", url], environment);
    expect((await follow.waitForExit()).code).toBe(1);
    const command = await startCommand(
      ["force", "force", "--builder", "web", "--property", "gate=never", "--follow", "--url", url],
      environment,
    );
    await command.waitForOutput("before 300");
    command.signal("SIGINT");
    expect((await command.waitForExit()).code).toBe(130);
    expect(command.stderr()).toContain("Stopped following; the build continues.");
    expect((await run("builds", "--running")).stdout).toContain("web/4");
    const log = await startCommand(
      ["log", "web/4", "work", "stdio", "--follow", "--lines", "1", "--url", url],
      environment,
    );
    const stopped = await run("build", "stop", `${url}#/builders/web/builds/4`, "--reason", "enough");
    expect(stopped).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^Build \d+ is being stopped; its clean-up steps run/),
    });
    expect((await log.waitForExit()).code).toBe(0);
    expect(linesOfWork(log.stdout()).length).toBeLessThan(2);
    const over = async () => (await run("build", "show", "web/4")).stdout.includes("cancelled");
    await waitFor(over, { what: "the build to be cancelled", intervalMs: 500 });
  });
});

it("a wrong command line is answered in sentences", async () => {
  const closed = `http://127.0.0.1:${await freePort()}/`;
  const [fields, step, request, nowhere, away] = await Promise.all([
    run("force", "--builder", "web", "--field", "code=x", "--field", "target=none"),
    run("log", "web/1", "none"),
    run("cancel", "99"),
    runMaster(["builds"], environment),
    runMaster(["builds", "--url", closed], environment),
  ]);
  expect(fields.code).toBe(2);
  expect(fields.stderr).toMatch(/^master: Some form fields are invalid:\n {2}code: .*\n {2}target: /);
  expect(step).toMatchObject({ code: 2, stderr: expect.stringContaining('no step "none"') });
  expect(request).toMatchObject({ code: 2, stderr: expect.stringContaining("no build request 99") });
  expect(nowhere).toMatchObject({ code: 2, stderr: expect.stringContaining("--url URL") });
  expect(away).toMatchObject({ code: 3, stderr: expect.stringContaining("the connection is refused") });
});

it("a request that no worker can build is cancelled", async () => {
  const asked = JSON.parse((await run("force", "--builder", "absent", "--json")).stdout) as {
    requests: { buildrequestid: number }[];
  };
  const id = String(asked.requests[0]?.buildrequestid);
  expect((await run("cancel", id)).stdout).toBe(`Build request ${id} is cancelled.\n`);
  expect((await run("cancel", id)).stdout).toBe(`Build request ${id} was already complete.\n`);
});

describe("what the pages show is there in the terminal, too", () => {
  it("a failed build says what was built, for whom, and the lines that look like the reason", async () => {
    await run("force", "--builder", "web", "--property", "code=3", "--reason", "to see it fail", "--follow");
    const build = JSON.parse((await run("builds", "--failed", "--limit", "1", "--json")).stdout).builds[0];
    expect(build).toMatchObject({ builder: "web", result: "failure" });
    const shown = await run("build", "show", String(build.buildid));
    expect(shown.code).toBe(1);
    expect(shown.stdout).toContain(`builders/${build.builderid}/builds/${build.number}`);
    expect(shown.stdout).toMatch(/reason +.*to see it fail/);
    expect(shown.stdout).toMatch(/worker +local/);
    expect(shown.stdout).toMatch(/^2\twork\t✗ failure\t/m);
    expect(shown.stdout).toMatch(/^work:\n( {2}after \d+\n)+$/m);
    const failed = (await run("log", String(build.buildid), "--failed")).stdout.trim().split("\n");
    expect(failed).toHaveLength(before.length + after.length);
    expect(failed[0]).toBe("before 1");
  });

  it("builders, changes, schedulers and the addresses of pages are listed, with tabs in a pipe", async () => {
    expect((await run("builders")).stdout).toMatch(/^absent\t.*\nweb\t✗ failure\t#\d+\t/m);
    const change = ["--branch", "side", "--revision", "a".repeat(40), "--author", "Ann", "--comments", "One\nTwo"];
    await run("send-change", ...change);
    expect((await run("changes", "--branch", "side")).stdout).toMatch(/^\d+\taaaaaaaaaa\tside\tAnn\t.*Z\tOne$/m);
    expect((await run("changes", "--author", "Bob")).stdout).toBe("No changes.\n");
    expect((await run("schedulers")).stdout).toMatch(/^force\t\w+\ton\tone\t/m);
    expect((await run("tests", "web/1")).stdout).toBe("No test of the build failed.\n");
    const { builders } = (await master.api<{ builders: { builderid: number }[] }>("builders?name=web")).body;
    const page = `${url}builders/${builders[0]?.builderid}`;
    expect((await run("open", "web")).stdout).toBe(`${page}\n`);
    expect((await run("open", "web/1")).stdout).toBe(`${page}/builds/1\n`);
  });

  it("status asks the ui master of the environment, unless a config is named", async () => {
    const asked = JSON.parse((await run("status", "--json")).stdout);
    expect(asked.masters).toMatchObject([{ name: "one" }]);
    const other = { DATABASE_URL: `sqlite:${directory}/none.sqlite`, MULTIMASTER_URL: url };
    expect((await runMaster(["status", "--config", config], { ...environment, ...other })).stdout).not.toContain("one");
  });

  it("a login is tried before it is kept", async () => {
    const home = { ...environment, XDG_CONFIG_HOME: temporaryDirectory("login") };
    const login = await startProcess({
      name: "master login",
      command: process.execPath,
      args: [masterProgram, "login", url],
      env: home,
      input: "no-such-token\n",
    });
    expect((await login.waitForExit()).code).toBe(2);
    expect(readdirSync(home.XDG_CONFIG_HOME)).toEqual([]);
  });
});

it("every example of docs/command-line.md works", async () => {
  const guide = readFileSync(configFile("docs/command-line.md"), "utf8");
  const examples = [...guide.matchAll(/```sh\n([\s\S]*?)```/g)].flatMap(([, block]) =>
    String(block).trim().split("\n"),
  );
  expect(examples.length).toBeGreaterThan(10);
  const bin = join(directory, "bin");
  mkdirSync(bin);
  writeFileSync(join(bin, "master"), `#!/bin/sh\nexec '${process.execPath}' '${masterProgram}' "$@"\n`);
  chmodSync(join(bin, "master"), 0o755);
  const { status } = await master.api("waiting");
  for (const example of examples) {
    // Reported by the noun "waiting", where there is one.
    if (status === 404 && example === "master why") continue;
    // A try needs a clone and a token: test/integration/access/try.test.ts runs these.
    if (example.includes("master try")) continue;
    await runProcess({
      name: example,
      command: "/bin/sh",
      args: ["-c", example],
      cwd: directory,
      env: { ...environment, MULTIMASTER_URL: url, PATH: `${bin}:${process.env["PATH"]}` },
    });
  }
});

it("every line of a master's log says when, how grave, which service and which master", () => {
  const lines = master.process.stderr().trim().split("\n");
  const wrong = lines.filter((text) => {
    const { time, level, service, master: name } = JSON.parse(text) as Record<string, unknown>;
    return [time, level, service].some((field) => typeof field !== "string") || name !== "one";
  });
  expect(wrong).toEqual([]);
});

it("a master reports once, when it starts, which defaults are closed and what opens them", () => {
  const said = [...master.process.stderr().matchAll(/"msg":"closed by default: (.*?)"\}?[,\n]/g)].map(
    ([, text]) => text,
  );
  expect(said.filter((text) => text?.startsWith("commands of local workers"))).toHaveLength(1);
  expect(new Set(said).size).toBe(said.length);
});

it("a master with no other port reports its health on its monitor port", async () => {
  const scheduler = await startMaster({
    config,
    name: "two",
    roles: ["scheduler"],
    env: { DATABASE_URL: `sqlite:${directory}/other.sqlite` },
  });
  await scheduler.waitReady();
  const { url: monitor } = await scheduler.waitForLog(({ service }) => service === "monitor", "its monitor port");
  const get = (path: string) => fetch(new URL(path, String(monitor)));
  expect(await (await get("health")).json()).toMatchObject({ status: "ok", master: "two" });
  expect(await (await get("ready")).json()).toEqual({ ready: true });
  await waitFor(async () => /^multimaster_singletons_claimed 1$/m.test(await (await get("metrics")).text()), {
    what: "the figures to show the scheduler that was claimed",
  });
  const figures = await (await get("metrics")).text();
  expect(figures).toMatch(/^multimaster_info\{master="two",roles="scheduler",release="[^"]+"\} 1$/m);
  expect(figures).toMatch(/^multimaster_ready 1$/m);
  for (const name of ["lease_remaining_seconds", "database_latency_seconds", "bus_connected", "builds_running"])
    expect(figures).toMatch(new RegExp(`^multimaster_${name} [\\d.e-]+$`, "m"));
  expect((await get("nothing")).status).toBe(404);
  await scheduler.stop();
});

it("a build counts in the figures of the engine that ended it", async () => {
  const figures = await (await master.fetch("metrics")).text();
  expect(figures).toMatch(/^multimaster_builds_finished_total\{result="success"\} [1-9]/m);
  expect(figures).toMatch(/^multimaster_builds_finished_total\{result="failure"\} [1-9]/m);
  expect(figures).toMatch(/^multimaster_buildrequests_pending 0$/m);
});

it("a master is ordered to end through a ui master", async () => {
  expect(await run("undrain", "one", "--url", url)).toMatchObject({
    code: 2,
    stderr: expect.stringContaining("no open drain"),
  });
  expect(await run("drain", "none", "--url", url)).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('named "none"'),
  });
  const { code, stdout } = await run("stop", "one", "--url", url, "--json");
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ master: "one", kind: "drain", role: null });
  expect((await master.process.waitForExit()).code).toBe(0);
});
