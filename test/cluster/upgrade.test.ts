import { cpSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { hostname, userInfo } from "node:os";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { startBuildbotWorker } from "../harness/buildbot-worker.ts";
import { findViolations } from "../harness/checks.ts";
import { listMarked } from "../harness/cleanup.ts";
import { configFile, startCluster, type TestCluster } from "../harness/cluster.ts";
import { startHaproxy, type TestHaproxy } from "../harness/haproxy.ts";
import { isLong } from "../harness/long-form.ts";
import { startMaster, type TestMaster } from "../harness/master.ts";
import { isAlive } from "../harness/processes.ts";
import { masterProgram, startCommand } from "../harness/run-master.ts";
import { temporaryDirectory } from "../harness/temporary-directory.ts";
import { waitFor } from "../harness/wait-for.ts";

const host = hostname();
const workers = ["worker-1", "worker-2", "worker-3", "worker-4"];

interface Report {
  outcome: string;
  sentence: string;
  masters: {
    master: string;
    pid: number;
    state: string;
    drain: { requests: Record<string, number> } | null;
    successor: { name: string; pid: number; state: string; readyAfter: number };
  }[];
}

describe("master upgrade, on a host with four masters behind HAProxy", () => {
  let cluster: TestCluster;
  let haproxy: TestHaproxy;
  let config: string;
  let started: TestMaster[];

  beforeAll(async () => {
    haproxy = await startHaproxy();
    // Each build notes its begin and its end outside of the cluster, and lasts until the gate is open.
    const note = (word: string) => `echo ${word} \${buildername} \${buildnumber} >> "$LEDGER"`;
    cluster = await startCluster({
      config: "configs/upgrade/cluster.ts",
      env: { WORKER_PORT: haproxy.enginePorts.join(","), UI_PORT: haproxy.uiPorts.join(",") },
    });
    const { LEDGER, GATE } = cluster.env;
    cluster.env["MAKE"] =
      `LEDGER='${LEDGER}'; ${note("begin")}; until [ -e '${GATE}' ]; do sleep 0.2; done; ${note("end")}`;
    config = changedConfig(() => {});
    started = await Promise.all([
      cluster.master({ config, roles: ["scheduler"] }),
      cluster.master({ config, roles: ["ui"] }),
      cluster.master({ config, roles: ["builder-engine"], name: "engine-1" }),
      cluster.master({ config, roles: ["builder-engine"], name: "engine-2" }),
    ]);
    await Promise.all(started.map((master) => master.waitReady()));
    await haproxy.waitForServer(await portOf(started[1]?.url()));
    for (const engine of started.slice(2)) await haproxy.waitForServer(await portOf(engine.workerUrl()));
    const password = cluster.env["WORKER_PASSWORD"] ?? "";
    await Promise.all(workers.map((name) => startBuildbotWorker({ port: haproxy.workersPort, name, password })));
    await waitForConnected();
  });

  it("changes nothing when the new masters cannot run: it says why, and the old ones work on", async () => {
    const before = runningMasters();
    const broken = changedConfig((directory) =>
      writeFileSync(join(directory, "ui.ts"), "export default { port: true };"),
    );
    const refused = await upgrade(["--config", broken]);
    expect(refused).toMatchObject({ code: 2, output: expect.stringContaining("ui.ts: port: must be a port") });

    // A config that is good, on a machine that is not: all ports are taken.
    const [taken = 0] = haproxy.uiPorts;
    const crowded = await upgrade(["--config", config], { UI_PORT: String(taken) });
    expect(crowded.code).toBe(1);
    expect(crowded.output).toContain(
      `the new master ${host}-ui-2 ended with exit code 3: The ui port 127.0.0.1:${taken}`,
    );
    expect(crowded.output).toContain("The new ones that were started have ended; the old masters run as before.");

    const late = await upgrade(["--config", config, "--masters", "engine-1", "--ready-timeout", "0s", "--json"]);
    expect(late.code).toBe(1);
    expect(JSON.parse(late.output)).toMatchObject({
      outcome: "undone",
      sentence: expect.stringContaining("within 0 s"),
    });

    expect(runningMasters()).toEqual(before);
    expect(started.map((master) => master.process.exit())).toEqual([undefined, undefined, undefined, undefined]);
    await waitForStates(["running", "running", "running", "running"]);
    openGate();
    await force("compile");
    await waitForRequests(1);
  });

  it("shows with --dry-run what it would do, and does nothing", async () => {
    const before = runningMasters();
    // Another checkout's program does it itself: here it is the same one by another way.
    const other = join(temporaryDirectory("checkout"), "master.mjs");
    writeFileSync(other, `await import(${JSON.stringify(masterProgram)});`);
    const { code, output } = await upgrade(["--config", config, "--dry-run", "--json", "--program", other]);
    expect(code).toBe(0);
    const report = JSON.parse(output) as Report;
    expect(report.outcome).toBe("planned");
    expect(report.masters.map(({ master, successor }) => [master, successor.name]).toSorted()).toEqual([
      ["engine-1", "engine-1-2"],
      ["engine-2", "engine-2-2"],
      [`${host}-scheduler`, `${host}-scheduler-2`],
      [`${host}-ui`, `${host}-ui-2`],
    ]);
    expect(runningMasters()).toEqual(before);
  });

  it("replaces all of them under running builds: none is lost, run again or run twice, and users notice nothing", async () => {
    closeGate();
    config = changedConfig((directory) => {
      for (const file of ["builders.ts", "scheduler.ts"])
        replaceIn(join(directory, file), '["compile", "test"]', '["compile", "test", "lint"]');
    });
    // Two builds run on the old masters, two workers are idle; more is asked for while the masters change.
    await force("compile", "test");
    await waitFor(() => begun().length === 3, { what: "two builds to run" });
    const users = watchUsers();
    const running = await startUpgrade(["--config", config]);
    await running.waitForOutput("draining engine-1");
    await force("compile", "test");
    openGate();
    expect(await running.waitForExit({ timeoutMs: 120_000 }), running.output()).toMatchObject({ code: 0 });
    expect(running.output()).toContain("4 masters were upgraded: the new ones run, the old ones have ended.");
    for (const master of started) expect(await master.process.waitForExit()).toMatchObject({ code: 0 });
    expect(await liveMasters()).toEqual(["engine-1-2", "engine-2-2", `${host}-scheduler-2`, `${host}-ui-2`]);

    // A builder that only the new config has.
    await waitFor(() => force("lint"), { what: "the new builder to be known", timeoutMs: 60_000 });
    await waitForRequests(6);
    expect(await users.failures()).toEqual([]);
    expect(await cluster.rows("select distinct results from builds")).toEqual([{ results: 0 }]);
    expect(await cluster.rows("select count(*)::int as n from builds")).toEqual([{ n: 6 }]);
    expect(begun()).toHaveLength(6);
    expect(new Set(cluster.ledger.lines()).size).toBe(12);
    expect(await findViolations(cluster)).toEqual([]);
    const trail = await cluster.rows<{ who: string; action: string; object: string; outcome: string; detail: string }>(
      "select who, action, object, outcome, detail from mm_audit where action like '%upgrade' order by id",
    );
    // The three that were refused before anything began, or were only planned, have none.
    expect(trail.map(({ action, outcome }) => `${action} ${outcome}`)).toEqual([
      ...["begin upgrade done", "upgrade failed", "begin upgrade done", "upgrade failed"],
      ...["begin upgrade done", "upgrade done"],
    ]);
    expect(trail.at(-1)).toMatchObject({
      who: `system:${userInfo().username}@${host}`,
      object: expect.stringMatching(/^masters\/.*engine-1/),
      detail: expect.stringContaining("4 masters were upgraded"),
    });
    await waitForConnected();
  });

  it.runIf(isLong)(
    "leaves a sane state when it is interrupted: while it drains, the new masters stay and the old builds finish",
    async () => {
      closeGate();
      await force("compile");
      await waitFor(() => begun().length === 7, { what: "the build to run" });
      const engine = await engineOfRunningBuild();
      const running = await startUpgrade(["--config", config, "--masters", engine, "--json"]);
      await waitForStates(["draining", "running", "running", "running", "running"]);
      running.signal("SIGINT");
      expect(await running.waitForExit(), running.output()).toMatchObject({ code: 1 });
      const report = JSON.parse(running.stdout()) as Report;
      expect(report).toMatchObject({
        outcome: "incomplete",
        sentence: expect.stringContaining(`These are draining, and end by themselves: ${engine} (pid`),
        masters: [{ master: engine, state: "draining", drain: { requests: { running: 1, lost: 0 } } }],
      });
      openGate();
      await waitFor(() => !isAlive(report.masters[0]?.pid ?? 0), { what: "the old engine to end", timeoutMs: 60_000 });
      expect(await cluster.rows("select results from builds order by id desc limit 1")).toEqual([{ results: 0 }]);
      await waitForStates(["running", "running", "running", "running"]);
    },
  );

  it.runIf(isLong)("releases builds at the deadline, to be run again by the new masters", async () => {
    closeGate();
    await force("compile");
    await waitFor(() => begun().length === 8, { what: "the build to run" });
    const engine = await engineOfRunningBuild();
    const done = await upgrade(["--config", config, "--masters", engine, "--deadline", "1s", "--json"]);
    expect(done.code, done.output).toBe(0);
    expect(JSON.parse(done.output)).toMatchObject({
      outcome: "upgraded",
      masters: [{ master: engine, state: "ended", drain: { requests: { before: 1, retried: 1, lost: 0 } } }],
    });
    openGate();
    await waitForRequests(8);
    expect(await cluster.rows("select results from builds order by id desc limit 2")).toEqual([
      { results: 0 },
      { results: 5 },
    ]);
    expect(await findViolations(cluster)).toEqual([]);
  });

  it("starts new masters through a supervisor's command, and undoes all when it is interrupted before they are ready", async () => {
    const command = `node '${masterProgram}' start --config {config} --role {roles} --name {name} >/dev/null 2>&1 &`;
    const name = `${host}-ui-2`;
    const done = await upgrade(["--config", config, "--masters", name, "--start-command", command, "--json"]);
    expect(done.code, done.output).toBe(0);
    const [replaced] = (JSON.parse(done.output) as Report).masters;
    expect(replaced).toMatchObject({ master: name, state: "ended", successor: { name: `${host}-ui`, state: "ready" } });

    const before = runningMasters();
    const running = await startUpgrade(["--config", config, "--masters", `${host}-scheduler-2,${host}-ui`]);
    await running.waitForOutput(`starting ${host}-ui`);
    running.signal("SIGINT");
    expect(await running.waitForExit(), running.output()).toMatchObject({ code: 1 });
    expect(running.output()).toContain("Nothing was upgraded: it was interrupted");
    expect(runningMasters(), running.output()).toEqual(before);
    expect(await findViolations(cluster)).toEqual([]);
  });

  it("that is killed half-way is shown, and taken up by the next one", async () => {
    const only = ["--masters", `${host}-ui`];
    const killed = await startUpgrade(["--config", config, ...only]);
    await killed.waitForOutput(`starting ${host}-ui-2`);
    killed.signal("SIGKILL");
    await killed.waitForExit();
    await waitForStates(["running", "running", "running", "running", "running"]);
    const status = await startCommand(["status", "--config", config], cluster.env);
    expect(await status.waitForExit(), status.output()).toMatchObject({ code: 0 });
    expect(status.output()).toMatch(
      new RegExp(`The upgrade of .* was not finished: ${host}-ui-2 run beside ${host}-ui\\.`),
    );
    const other = await upgrade(["--config", changedConfig(() => {}), ...only]);
    expect(other.code, other.output).toBe(2);
    expect(other.output).toContain(`end its new masters first: master stop ${host}-ui-2.`);
    const again = await upgrade(["--config", config, ...only]);
    expect(again.code, again.output).toBe(0);
    expect(again.output).toContain(`This resumes an unfinished upgrade. It has started ${host}-ui-2`);
    await waitForStates(["running", "running", "running", "running"]);
    expect(await liveMasters()).toContain(`${host}-ui-2`);
    expect(await findViolations(cluster)).toEqual([]);
  });

  /** A copy of the config, changed. */
  function changedConfig(change: (directory: string) => void): string {
    const directory = temporaryDirectory("upgrade");
    cpSync(configFile("configs/upgrade"), directory, { recursive: true });
    change(directory);
    return join(directory, "cluster.ts");
  }

  function startUpgrade(args: readonly string[], env: Record<string, string> = {}) {
    return startCommand(["upgrade", ...args], { ...cluster.env, ...env });
  }

  async function upgrade(args: readonly string[], env: Record<string, string> = {}) {
    const running = await startUpgrade(args, env);
    const { code } = await running.waitForExit({ timeoutMs: 120_000 });
    return { code, output: running.output() };
  }

  /** Ids of the processes that are masters; a list that came through an upgrade unchanged has no stray one. */
  function runningMasters(): number[] {
    const alike = listMarked().filter((pid) => readProcess(pid, "cmdline").includes("start\0--config"));
    // What a master has just forked, to run git, looks like the master until its program is loaded.
    return alike.filter((pid) => !alike.includes(parentOf(pid)));
  }

  async function liveMasters(): Promise<string[]> {
    const rows = await cluster.rows<{ name: string }>(
      `select m.name from mm_leases l join masters m on m.id = l.masterid where l.ended_at is null and l.buried_at is null
       order by m.name`,
    );
    return rows.map(({ name }) => name);
  }

  async function waitForStates(states: readonly string[]): Promise<void> {
    const found = "select state from mm_leases where ended_at is null and buried_at is null order by state";
    await waitFor(
      async () =>
        JSON.stringify((await cluster.rows<{ state: string }>(found)).map((row) => row.state)) ===
        JSON.stringify(states),
      { what: `the masters to be ${states.join(", ")}`, timeoutMs: 60_000 },
    );
  }

  async function engineOfRunningBuild(): Promise<string> {
    const [row] = await cluster.rows<{ name: string }>(
      "select m.name from builds b join masters m on m.id = b.masterid where b.complete_at is null",
    );
    return row?.name ?? "";
  }

  /** As a user does it: through the balancer. */
  async function force(...builderNames: string[]): Promise<boolean> {
    const answers = await Promise.all(
      builderNames.map((builder) =>
        fetch(new URL("api/v2/forceschedulers/force", haproxy.url), {
          method: "POST",
          headers: { "content-type": "application/json" },
          body: JSON.stringify({
            jsonrpc: "2.0",
            id: 1,
            method: "force",
            params: { builderNames: [builder], reason: "test" },
          }),
        }),
      ),
    );
    return answers.every(({ ok }) => ok);
  }

  /** Reads through the balancer all the time; whatever is no answer is a failure. */
  function watchUsers(): { failures(): Promise<string[]> } {
    const failures: string[] = [];
    let isOver = false;
    const reading = (async () => {
      while (!isOver) {
        await fetch(new URL("api/v2/builds?limit=5", haproxy.url)).then(
          async (response) => void (response.ok ? await response.text() : failures.push(String(response.status))),
          (error: unknown) => void failures.push(String(error)),
        );
      }
    })();
    return {
      async failures() {
        isOver = true;
        await reading;
        return failures;
      },
    };
  }

  function begun(): string[] {
    return cluster.ledger.lines().filter((line) => line.startsWith("begin"));
  }

  const openGate = () => writeFileSync(cluster.env["GATE"] ?? "", "");
  const closeGate = () => rmSync(cluster.env["GATE"] ?? "");

  async function waitForRequests(count: number): Promise<void> {
    await waitFor(async () => (await cluster.rows("select 1 from buildrequests where complete = 1")).length === count, {
      what: `${count} requests to be complete`,
      timeoutMs: 120_000,
    });
  }

  async function waitForConnected(): Promise<void> {
    await waitFor(async () => (await cluster.rows("select 1 from mm_worker_attachments")).length === workers.length, {
      what: "the workers to be connected",
      timeoutMs: 60_000,
    });
  }
});

it("the master of a SQLite file is not upgraded beside itself: the sentence says what to do instead", async () => {
  const config = configFile("configs/quickstart/cluster.ts");
  const env = { DATABASE_URL: `sqlite:${join(temporaryDirectory("sqlite"), "state.sqlite")}`, UI_PORT: "0" };
  const master = await startMaster({ config, env });
  await master.waitReady();
  const running = await startCommand(["upgrade", "--config", config], env);
  expect(await running.waitForExit()).toMatchObject({ code: 2 });
  expect(running.output()).toMatch(/SQLite file .* serves one master.*; stop it .*, then start it again/);
  expect(master.process.exit()).toBeUndefined();
});

function replaceIn(file: string, text: string, by: string): void {
  const before = readFileSync(file, "utf8");
  expect(before).toContain(text);
  writeFileSync(file, before.replace(text, by));
}

function readProcess(pid: number, file: "cmdline" | "status"): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, "utf8");
  } catch {
    return "";
  }
}

function parentOf(pid: number): number {
  return Number(/^PPid:\s*(\d+)/m.exec(readProcess(pid, "status"))?.[1]);
}

async function portOf(url: Promise<string> | undefined): Promise<number> {
  return Number(new URL((await url) ?? "").port);
}
