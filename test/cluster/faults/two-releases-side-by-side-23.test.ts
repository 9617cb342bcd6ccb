import { type BusMessage, createBus } from "@multimaster/bus";
import { silentLog } from "@multimaster/core";
import { openDatabase, upgradeDatabase } from "@multimaster/database";
import { expect, it } from "vitest";
import { findViolations } from "../../harness/checks.ts";
import { onCleanup } from "../../harness/cleanup.ts";
import { configFile, startCluster, type TestCluster } from "../../harness/cluster.ts";
import { isLong } from "../../harness/long-form.ts";
import { masterProgram, type TestMaster } from "../../harness/master.ts";
import { buildPreviousRelease } from "../../harness/previous-release.ts";
import { runProcess } from "../../harness/processes.ts";
import { readCatalog } from "../../harness/schema-catalog.ts";
import { waitFor } from "../../harness/wait-for.ts";

const config = "test/cluster/configs/ledger/cluster.ts";
const previous = buildPreviousRelease();

/** Builds that each engine ends in each part of the upgrade. */
const share = isLong ? 100 : 4;

it("the release before and this one work in one cluster, under load, through the migration, and nothing is lost", async (context) => {
  if (typeof previous === "string") return context.skip(previous);
  const cluster = await startCluster({ config, router: "own", env: { WORKERS: "a1,a2,b1,b2", WORK: "sleep 0.2" } });
  const old = (options: { name: string; roles: string[] }) =>
    cluster.master({ ...options, config: previous.file(config), program: previous.program });
  const builtBy = async (name: string) => {
    const rows = await cluster.rows(
      `select 1 from builds b join masters m on m.id = b.masterid where m.name = '${name}' and b.complete_at is not null`,
    );
    return rows.length;
  };
  const waitForShareOf = async (...engines: TestMaster[]) => {
    for (const { name = "" } of engines) {
      const before = await builtBy(name);
      await waitFor(async () => (await builtBy(name)) >= before + share, {
        what: `${share} builds of ${name}`,
        timeoutMs: 120_000,
      });
    }
  };
  const dataVersion = async () => (await cluster.rows<{ version: number }>("select version from mm_data_version"))[0];

  // The release before works alone, on a database that it has made.
  const oldFront = await old({ name: "old-front", roles: ["ui", "scheduler"] });
  await oldFront.waitReady();
  const oldEngine = await old({ name: "old-engine", roles: ["builder-engine"] });
  await cluster.ownWorkers(oldEngine, oldFront, ["a1", "a2"]);
  await waitFor(async () => (await cluster.rows("select 1 from object_state where name = 'lastRev'")).length === 1, {
    what: "the first poll",
  });
  const events = await listen(cluster);
  const load = startLoad(cluster, [oldFront]);
  await waitForShareOf(oldEngine);

  // The migration, while it works.
  await upgrade(cluster);
  await waitForShareOf(oldEngine);
  // A master of the release before may also be started again.
  const oldLate = await old({ name: "old-late", roles: ["ui"] });
  await oldLate.waitReady();

  // This release joins in.
  const front = await cluster.master({ name: "front", roles: ["ui", "scheduler"] });
  const engine = await cluster.master({ name: "engine", roles: ["builder-engine"] });
  await front.waitReady();
  await cluster.ownWorkers(engine, front, ["b1", "b2"]);
  load.askAlso(front, oldLate);
  await waitForShareOf(oldEngine, engine);
  expect(await dataVersion()).toEqual({ version: 1 });

  // The release before leaves; what is written changes only then.
  load.askOnly(front);
  for (const master of [oldFront, oldLate, oldEngine]) {
    master.sigterm();
    expect(await master.process.waitForExit({ timeoutMs: 120_000 })).toMatchObject({ code: 0 });
  }
  await waitFor(async () => (await dataVersion())?.version === 2, { what: "the data version to rise" });
  expect(
    await cluster.rows(`
      select m.name from mm_data_version v, mm_leases l join masters m on m.id = l.masterid
      where m.name like 'old-%' and l.ended_at < v.raised_at order by m.name`),
  ).toEqual([{ name: "old-engine" }, { name: "old-front" }, { name: "old-late" }]);
  const back = await old({ name: "old-back", roles: ["builder-engine"] });
  expect(await back.process.waitForExit()).toMatchObject({ code: 3 });
  expect(back.log()).toContain("start a newer release of the master");
  await waitForShareOf(engine);

  // Nothing lost, nothing retried, nothing twice.
  const requests = await load.end();
  await waitFor(
    async () => (await cluster.rows("select 1 from buildrequests where complete = 1")).length === requests,
    { what: `${requests} requests to be complete`, timeoutMs: 120_000 },
  );
  expect(await findViolations(cluster)).toEqual([]);
  expect(await cluster.rows("select distinct results from builds")).toEqual([{ results: 0 }]);
  expect(await cluster.rows("select count(*)::int as n from buildrequests")).toEqual([{ n: requests }]);
  expect(await cluster.rows("select count(*)::int as n from builds")).toEqual([{ n: requests }]);
  const lines = cluster.ledger.lines();
  expect([lines.length, new Set(lines).size]).toEqual([requests * 2, requests * 2]);

  // A message of either release has what the other one reads in it.
  const saidBefore = await events.fieldsSaidBy("old-engine");
  const saidNow = await events.fieldsSaidBy("engine");
  for (const event of ["new", "finished"])
    expect(saidNow[event], event).toEqual(expect.arrayContaining(saidBefore[event] ?? ["nothing was heard"]));
  console.log(
    `${requests} requests: old-engine built ${await builtBy("old-engine")}, engine ${await builtBy("engine")}`,
  );
}, 480_000);

/** Runs this release's upgrade on the database of the release before, and compares what comes out with a new one. */
async function upgrade(cluster: TestCluster): Promise<void> {
  const { stdout } = await runProcess({
    name: "master upgrade-database",
    command: process.execPath,
    args: [masterProgram, "upgrade-database", "--config", configFile(config)],
    env: cluster.env,
  });
  expect(stdout).toContain("applied: the data version of the cluster");
  const fresh = await openDatabase(await cluster.postgres.createDatabase(), { log: silentLog });
  const upgraded = await openDatabase(cluster.database, { log: silentLog });
  try {
    await upgradeDatabase(fresh);
    expect(await readCatalog(upgraded)).toEqual(await readCatalog(fresh));
  } finally {
    await fresh.close();
    await upgraded.close();
  }
}

/** Forces builds and commits changes until the test ends it, through one ui after the other. */
function startLoad(cluster: TestCluster, first: TestMaster[]) {
  let uis = first;
  let running = true;
  let forced = 0;
  let committed = 0;
  async function run(): Promise<void> {
    for (let n = 0; running; n++) {
      const ui = uis[n % uis.length] as TestMaster;
      const builderNames = [n % 2 === 0 ? "job" : "other"];
      const answer = await ui.apiPost("forceschedulers/force", "force", { builderNames, reason: "load" });
      expect(answer, ui.name).toMatchObject({ status: 200, body: { result: [expect.any(Number), {}] } });
      forced++;
      if (n % 4 === 0) {
        cluster.repository.commit({ files: { file: String(n) } });
        committed++;
      }
      // What is to be seen is how it goes on, not how it piles up.
      await waitFor(async () => (await cluster.rows("select 1 from buildrequests where complete = 0")).length < 6, {
        what: "the load to be worked off",
        timeoutMs: 120_000,
      });
    }
  }
  const done = run();
  // Reported when it is ended: until then the test itself reports more.
  done.catch(() => {});
  return {
    askAlso: (...more: TestMaster[]) => void (uis = [...uis, ...more]),
    askOnly: (...only: TestMaster[]) => void (uis = only),
    /** Returns the number of requests that there must be: two schedulers follow the changes. */
    async end() {
      running = false;
      await done;
      return forced + 2 * committed;
    },
  };
}

/** Hears what the masters say of their builds: by the event and the master, the names of the fields. */
async function listen(cluster: TestCluster) {
  const heard: BusMessage[] = [];
  const bus = createBus(
    { kind: "wamp", router: cluster.router?.url ?? "", realm: cluster.router?.realm ?? "" },
    silentLog,
  );
  await bus.start();
  onCleanup(() => bus.stop());
  await bus.subscribe(["builds", null, null], (message) => void heard.push(message));
  return {
    async fieldsSaidBy(master: string) {
      const [row] = await cluster.rows<{ id: number }>(`select id from masters where name = '${master}'`);
      const fields: Record<string, string[]> = {};
      for (const { key, payload } of heard) {
        const build = payload as { masterid: number };
        if (build.masterid === row?.id) fields[String(key[2])] = Object.keys(build).sort();
      }
      return fields;
    },
  };
}
