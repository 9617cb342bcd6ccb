import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Order } from "@multimaster/data";
import { beforeAll, describe, expect, it } from "vitest";
import { findViolations } from "../../harness/checks.ts";
import { startCluster, type TestCluster } from "../../harness/cluster.ts";
import type { TestMaster } from "../../harness/master.ts";
import { runMaster } from "../../harness/run-master.ts";
import { temporaryDirectory } from "../../harness/temporary-directory.ts";
import { waitFor } from "../../harness/wait-for.ts";

const isLong = process.env["MULTIMASTER_LONG"] === "1";

/** What the config of the test says; its files are written from this. */
interface Wanted {
  builders: string[];
  workers: Record<string, string>;
  /** What each build prints, by a function in an imported file. */
  greeting: string;
  lease: string;
  /** More lines of the scheduler's file. */
  schedulers: string[];
}

const password = "secret of the workers";
const names = ["w1", "w2", "w3"];

describe("new configs of a running master, with builds on real workers", () => {
  const directory = temporaryDirectory("reconfig");
  const gates = temporaryDirectory("gates");
  let wanted: Wanted = {
    builders: ["job", "child"],
    workers: Object.fromEntries(names.map((name) => [name, password])),
    greeting: "hello",
    lease: "5s",
    schedulers: [],
  };
  let cluster: TestCluster;
  let master: TestMaster;
  let load: ReturnType<typeof startLoad>;

  beforeAll(async () => {
    cluster = await startCluster({ config: "" });
    write();
    master = await cluster.master({ config: join(directory, "cluster.ts"), name: "m1" });
    await master.waitReady();
    await cluster.ownWorkers(master, master, names);
    load = startLoad();
  });

  it("adds a builder, and says what changed: --diff before it, the order after it", async () => {
    change({ builders: [...wanted.builders, "lint"] });
    const shown = await command("reconfig", "m1", "--diff");
    expect(shown).toMatchObject({ code: 0, stdout: expect.stringMatching(/^m1: would change .*\+ builder lint/s) });
    expect((await force("lint")).status).not.toBe(200);
    const before = await configHash();
    const done = await reconfig();
    expect(done.state).toBe("done");
    expect(listChanges(done)).toEqual(["added builder lint", "changed scheduler force"]);
    expect(done).toMatchObject({ ordered_by: "anonymous", config_before: before, config_after: await configHash() });
    expect(done.config_after).not.toBe(before);
    await runsToItsEnd("lint");
  });

  it("lists ten problems and changes nothing when ten things are wrong", async () => {
    const before = await configHash();
    change({ schedulers: Array.from({ length: 9 }, (_, i) => `force({ name: "f${i}", builders: ["none-${i}"] })`) });
    put("ui.ts", 'export default { port: "none" };');
    const answer = await master.apiPost<{ error: { message: string } }>("masters/m1", "reconfig", { wait: 60 });
    expect(answer.status).toBe(400);
    expect(answer.body.error.message).toMatch(/^The config has 10 errors:(\n {2}\S*(ui|scheduler)\.ts: .*){10}/);
    const { code, stdout } = await command("reconfig");
    expect(code).toBe(2);
    expect(stdout).toContain("The config has 10 errors:");
    expect(stdout).toContain("ui.ts: port: must be a port");
    // A file that is no program.
    put("ui.ts", "export default {");
    expect((await command("reconfig", "m1")).code).toBe(2);
    expect(await configHash()).toBe(before);
    change({ schedulers: [] });
    await runsToItsEnd("lint");
  });

  it("refuses with one sentence what needs a restart", async () => {
    change({ lease: "6s" });
    const { code, stdout } = await command("reconfig", "m1", "--diff");
    expect(code).toBe(2);
    expect(stdout).toContain('A running master cannot change lease; "master upgrade" brings the new config');
    change({ lease: "5s" });
  });

  it("a build that runs ends with the function that it began with, the next one uses the new one", async () => {
    const old = await begun("lint");
    change({ greeting: "good day" });
    const done = await reconfig();
    expect(listChanges(done, "by code")).toEqual([
      "changed builder child",
      "changed builder job",
      "changed builder lint",
    ]);
    openGate("lint");
    expect(await printedBy(old)).toContain("hello lint");
    expect(await printedBy(await runsToItsEnd("lint"))).toContain("good day lint");
  });

  it("a builder that goes away ends its builds; what waits for it is kept until it is back", async () => {
    const running = await begun("lint");
    const waiting = await request("lint");
    change({ builders: ["job", "child", "style"] });
    const done = await reconfig();
    expect(listChanges(done)).toEqual(["added builder style", "changed scheduler force", "removed builder lint"]);
    openGate("lint");
    await ended(running);
    await runsToItsEnd("style");
    expect(await rowsOf(waiting)).toEqual([{ complete: 0, results: -1 }]);
    change({ builders: ["job", "child", "style", "lint"] });
    await reconfig();
    await ended(waiting);
  });

  it("a step that waits for builds it has triggered goes on through a new config", async () => {
    closeGate("child");
    const parent = await request("parent");
    await waitFor(() => existsSync(join(gates, "began-child")), { what: "the triggered build to run" });
    change({ greeting: "hi" });
    await reconfig();
    openGate("child");
    await ended(parent);
  });

  it("a new worker comes, and one with another password leaves after its build: no other connection ends", async () => {
    closeGate("lint");
    const running = await begun("lint");
    const [busy] = await cluster.rows<{ name: string }>(
      `select w.name from builds b join workers w on w.id = b.workerid where b.buildrequestid = ${running}`,
    );
    change({ workers: { ...wanted.workers, w4: password, [busy?.name ?? ""]: `${password} 2` } });
    const done = await reconfig();
    expect(listChanges(done).filter((change) => change.includes(" worker "))).toEqual([
      "added worker w4",
      `changed worker ${busy?.name}`,
    ]);
    await cluster.ownWorkers(master, master, ["w4"]);
    openGate("lint");
    await ended(running);
    await waitFor(async () => (await leaves()).includes(busy?.name ?? ""), { what: "the worker to leave" });
    expect(await leaves()).toEqual([busy?.name]);
    change({ workers: { ...wanted.workers, [busy?.name ?? ""]: password } });
    process.kill(master.process.pid, "SIGHUP");
    await waitFor(
      async () => (await orders()).at(-1)?.reason === "SIGHUP" && (await orders()).at(-1)?.state === "done",
      {
        what: "the master to take over the config at SIGHUP",
        timeoutMs: 60_000,
      },
    );
    await waitFor(async () => (await cluster.rows("select 1 from mm_worker_attachments")).length === 4, {
      what: "the worker to be back",
      timeoutMs: 60_000,
    });
  });

  it.runIf(isLong)("twenty in a row, some of them broken", { timeout: 600_000 }, async () => {
    for (let i = 1; i <= 20; i++) {
      const isBroken = i % 5 === 0;
      if (isBroken) put("workers.ts", "export default { port: 1 };");
      else change({ builders: ["job", "child", ...(i % 2 ? [`b${i}`] : ["lint"])], greeting: `greeting ${i}` });
      const answer = await master.apiPost<{ result: Order }>("masters/m1", "reconfig", { wait: 60 });
      expect(answer.status, JSON.stringify(answer.body)).toBe(isBroken ? 400 : 200);
    }
    change({ builders: ["job", "child", "lint"] });
    await reconfig();
  });

  it("lost no build and ran none again, and refused no request", async () => {
    expect(await load.finish()).toEqual([]);
    expect(load.requests()).toBeGreaterThan(20);
    expect(await cluster.rows("select distinct results from builds")).toEqual([{ results: 0 }]);
    const [counts] = await cluster.rows<{ builds: number; requests: number }>(
      "select (select count(*)::int from builds) as builds, (select count(*)::int from buildrequests) as requests",
    );
    expect(counts?.builds).toBe(counts?.requests);
    expect(await findViolations(cluster, { schedulersTakeAllChanges: false })).toEqual([]);
    const trail = await cluster.rows<{ who: string; object: string }>(
      "select who, object from mm_audit where action = 'reconfig' and outcome = 'done'",
    );
    expect(new Set(trail.map(({ object }) => object))).toEqual(new Set(["masters/1", "masters/m1"]));
  });

  /** Writes the files of the config as they are wanted now. */
  function write(): void {
    const { builders, workers, greeting, lease, schedulers } = wanted;
    const all = JSON.stringify([...builders, "parent"]);
    const known = JSON.stringify(Object.keys(workers));
    put("greet.ts", `export const greet = (name: string) => ${JSON.stringify(greeting)} + " " + name;`);
    put(
      "builders.ts",
      `import { defineBuilders } from "@multimaster/config";
       import shell from "@multimaster/plugins/steps/shell";
       import trigger from "@multimaster/plugins/steps/trigger";
       import { greet } from "./greet.ts";
       const gate = (name: string) => ${JSON.stringify(gates)} + "/" + name;
       export default defineBuilders({ builders: [
         ...${JSON.stringify(builders)}.map((name: string) => ({ name, workers: ${known}, ...(name === "lint" && { maxBuilds: 1 }), steps: [
           shell({ name: "wait", command: "touch " + gate("began-" + name) + "; while [ -e " + gate("closed-" + name) + " ]; do sleep 0.1; done" }),
           shell({ name: "greet", command: () => "echo " + greet(name) }),
         ] })),
         { name: "parent", workers: ${known}, steps: [trigger({ name: "children", schedulerNames: ["children"], waitForFinish: true })] },
       ] });`,
    );
    put(
      "scheduler.ts",
      `import { defineScheduling } from "@multimaster/config";
       import force from "@multimaster/plugins/schedulers/force";
       import triggerable from "@multimaster/plugins/schedulers/triggerable";
       export default defineScheduling({ schedulers: [
         force({ name: "force", builders: ${all} }),
         triggerable({ name: "children", builders: ["child"] }), ${schedulers.join(", ")} ] });`,
    );
    const list = Object.entries(workers).map(([name, secret]) => ({ name, password: secret, maxBuilds: 4 }));
    put(
      "workers.ts",
      `import { defineWorkers } from "@multimaster/config";
       export default defineWorkers({ host: "127.0.0.1", port: 0, workers: ${JSON.stringify(list)} });`,
    );
    put("ui.ts", 'import { defineUi } from "@multimaster/config";\nexport default defineUi({ port: 0, hooks: [] });');
    put(
      "cluster.ts",
      `import { defineCluster, env } from "@multimaster/config";
       export default defineCluster({
         name: "reconfig", database: env("DATABASE_URL", ""), lease: "${lease}",
         bus: { router: env("WAMP_ROUTER"), realm: env("WAMP_REALM", "buildbot") },
         scheduler: () => import("./scheduler.ts"), builders: { all: () => import("./builders.ts") },
         workers: () => import("./workers.ts"), ui: () => import("./ui.ts"),
       });`,
    );
  }

  function change(to: Partial<Wanted>): void {
    wanted = { ...wanted, ...to };
    write();
  }

  function put(file: string, text: string): void {
    const path = join(directory, file);
    if (existsSync(path) && readFileSync(path, "utf8") === text) return;
    writeFileSync(`${path}.new`, text);
    renameSync(`${path}.new`, path);
  }

  async function reconfig(): Promise<Order> {
    const { status, body } = await master.apiPost<{ result: Order }>("masters/1", "reconfig", { wait: 60 });
    expect(status, JSON.stringify(body)).toBe(200);
    return body.result;
  }

  const command = (...args: string[]) =>
    runMaster([...args, "--config", join(directory, "cluster.ts")], { ...cluster.env });

  async function orders(): Promise<Order[]> {
    return (await master.api<{ orders: Order[] }>("orders?order=orderid")).body.orders;
  }

  async function configHash(): Promise<string | null | undefined> {
    const { body } = await master.api<{ members: { config_hash: string | null }[] }>("members");
    return body.members[0]?.config_hash;
  }

  const force = (builder: string) =>
    master.apiPost<{ result: [number, Record<string, number>] }>("forceschedulers/force", "force", {
      builderNames: [builder],
      reason: "test",
    });

  /** Returns the id of the request. */
  async function request(builder: string): Promise<number> {
    const { status, body } = await force(builder);
    expect(status, JSON.stringify(body)).toBe(200);
    return Object.values(body.result[1])[0] as number;
  }

  /** A build that runs until its gate is opened; returns the id of its request. */
  async function begun(builder: string): Promise<number> {
    closeGate(builder);
    const id = await request(builder);
    await waitFor(async () => (await cluster.rows(`select 1 from builds where buildrequestid = ${id}`)).length === 1, {
      what: `the build of ${builder} to run`,
      timeoutMs: 60_000,
    });
    return id;
  }

  const closeGate = (builder: string) => writeFileSync(join(gates, `closed-${builder}`), "");
  const openGate = (builder: string) => {
    if (existsSync(join(gates, `closed-${builder}`)))
      renameSync(join(gates, `closed-${builder}`), join(gates, `open-${builder}`));
  };

  const rowsOf = (id: number) => cluster.rows(`select complete, results from buildrequests where id = ${id}`);

  async function ended(id: number): Promise<number> {
    await waitFor(async () => (await rowsOf(id))[0]?.["complete"] === 1, {
      what: `request ${id} to end`,
      timeoutMs: 60_000,
    });
    expect(await rowsOf(id)).toEqual([{ complete: 1, results: 0 }]);
    return id;
  }

  const runsToItsEnd = async (builder: string) => ended(await request(builder));

  async function printedBy(id: number): Promise<string> {
    await ended(id);
    const [build] = await cluster.rows<{ id: number }>(`select id from builds where buildrequestid = ${id}`);
    return (await master.fetch(`api/v2/builds/${build?.id}/steps/greet/logs/stdio/raw`)).text();
  }

  /** The workers that have left, from the master's log. */
  async function leaves(): Promise<unknown[]> {
    return master.logLines().flatMap(({ msg, worker }) => (/^worker \S+ has left$/.test(msg ?? "") ? [worker] : []));
  }

  /** Forces and reads all the time. */
  function startLoad() {
    const failures: string[] = [];
    const over = new AbortController();
    let requests = 0;
    async function every(ms: number, act: () => Promise<{ status: number }>): Promise<void> {
      while (!over.signal.aborted) {
        requests += 1;
        await act().then(
          ({ status }) => void (status === 200 || failures.push(String(status))),
          (error: unknown) => void failures.push(String(error)),
        );
        await sleep(ms, undefined, { signal: over.signal }).catch(() => undefined);
      }
    }
    const going = [every(500, () => force("job")), every(150, () => master.api("builds?limit=5&order=-buildid"))];
    return {
      requests: () => requests,
      async finish(): Promise<string[]> {
        over.abort();
        await Promise.all(going);
        await waitFor(async () => (await cluster.rows("select 1 from buildrequests where complete = 0")).length === 0, {
          what: "all requests to end",
          timeoutMs: 120_000,
        });
        return failures;
      },
    };
  }
});

/** What is written otherwise, or `by code` what may do otherwise since a file has changed. */
function listChanges({ changes }: Order, which?: "by code"): string[] {
  return (changes ?? [])
    .filter(({ by_code }) => by_code === (which === "by code"))
    .map(({ change, kind, name }) => `${change} ${kind} ${name}`)
    .toSorted();
}
