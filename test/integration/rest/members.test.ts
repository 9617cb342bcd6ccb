import { type Lease, setState } from "@multimaster/cluster";
import { members } from "@multimaster/data";
import { type Database, dataVersions, execute, raiseDataVersion } from "@multimaster/database";
import { beforeEach, describe, expect, it } from "vitest";
import { buildsetFor } from "../../harness/masters-with-data.ts";
import { expire, join } from "../../harness/members.ts";
import { type RestServer, startRestServer } from "../../harness/rest-server.ts";
import { engines, newDatabase } from "../../harness/test-databases.ts";
import { updatesOf } from "../../harness/updates-of.ts";
import { waitFor } from "../../harness/wait-for.ts";

const info = { admin: null, host: null, access_uri: null, version: "1" };

describe.each(engines)("the cluster page's data on %s", (engine) => {
  let database: Database;
  let server: RestServer;
  let lease: Lease;
  let updates: ReturnType<typeof updatesOf>;
  beforeEach(async () => {
    database = await newDatabase(engine);
    server = await startRestServer(database);
    lease = (await join(database, { name: "engine-a", roles: ["builder-engine", "scheduler"], builderSets: ["web"] }))
      .lease;
    updates = updatesOf(database, lease);
    // As masters do once all of them know it.
    await database.transaction((tx) => raiseDataVersion(tx, dataVersions.newest));
  });

  const member = async (name: string) => (await server.get(`/api/v2/members/${name}`)).body.members[0];
  const cluster = async () => (await server.get("/api/v2/cluster")).body.cluster[0];

  it("shows each master with what it is and what it has", async () => {
    const { requests } = await updates.buildsets.add(buildsetFor("runtests"));
    await updates.buildrequests.claim(Object.values(requests));
    const workerid = (await updates.workers.register(["w1"])).get("w1") as number;
    await updates.workers.attach(workerid, info, 1);
    await updates.builds.create({ buildrequestid: Object.values(requests)[0] as number, workerid });
    const scheduler = (await updates.schedulers.register(["all"])).get("all") as number;
    await updates.schedulers.claim(scheduler);
    await updates.masters.noteConfig("1a".repeat(32));
    expect(await member("engine-a")).toEqual({
      masterid: lease.masterid,
      name: "engine-a",
      alive: true,
      buildbot: false,
      state: "starting",
      roles: ["builder-engine", "scheduler"],
      builder_sets: ["web"],
      release: "test",
      data_version: expect.any(Number),
      host: "host",
      pid: expect.any(Number),
      config_hash: "1a".repeat(32),
      config_since: expect.any(Number),
      config_warning: null,
      epoch: lease.epoch,
      joined_at: expect.any(Number),
      lease_remaining: expect.any(Number),
      builds_running: 1,
      workers_attached: 1,
      singletons_held: 1,
      stalled: false,
      latest_stall: null,
      worst_stall: null,
      failures: [],
      orders: [],
    });
    expect((await server.get(`/api/v2/members/${lease.masterid}`)).body.members[0].name).toBe("engine-a");
    expect((await server.get("/api/v2/members/nobody")).status).toBe(404);
    expect((await server.get("/api/v2/members?alive=true&order=name")).body.members).toHaveLength(2);
    expect(await cluster()).toMatchObject({
      state: "healthy",
      problems: [],
      upgrading: false,
      releases: ["test"],
      masters_alive: 2,
      builds_running: 1,
      workers_attached: 1,
      requests_waiting: 0,
      bus: { kind: "in-process", state: "connected", degraded_since: null },
    });
  });

  it("shows the latest and the worst stall of an event loop, and names who did it", async () => {
    const { now } = database.dialect;
    const stand = (step: string, began: number, ended: string) =>
      execute(
        database,
        `insert into mm_loop_stalls (masterid, epoch, steps, began_at, ended_at) values (?, ?, ?, ${now} - ?, ${ended})`,
        [lease.masterid, lease.epoch, JSON.stringify([{ builder: "runtests", step, buildid: 7 }]), began],
      );
    await stand("long ago", 200_000, `${now} - 100000`);
    await stand("worst", 100, `${now} - 70`);
    await stand("short", 50, `${now} - 48`);
    expect(await member("engine-a")).toMatchObject({
      stalled: false,
      latest_stall: { steps: [{ builder: "runtests", step: "short", buildid: 7 }] },
      worst_stall: { steps: [{ step: "worst" }] },
    });
    expect((await member("engine-a")).worst_stall.duration_ms).toBeGreaterThan(29_000);
    await stand("now", 3, "null");
    expect(await member("engine-a")).toMatchObject({ stalled: true, latest_stall: { ended_at: null } });
    expect((await cluster()).problems).toMatchObject([
      {
        kind: "loop_stalled",
        sentence: 'The event loop of engine-a is blocked while it runs step "now" of builder "runtests" (build 7).',
      },
    ]);
    const { body } = await server.get(`/api/v2/masters/${lease.masterid}/stalls?order=-stallid&limit=1`);
    expect(body).toMatchObject({ stalls: [{ master: "engine-a", duration_ms: null }], meta: { total: 4 } });
  });

  it("shows the progress of a drain, and publishes it on the bus", async () => {
    const heard: unknown[] = [];
    await server.data.events.on(members, "update", ({ id }) => {
      heard.push(id);
    });
    const drain = { jsonrpc: "2.0", id: 1, method: "drain", params: { reason: "new disk" } };
    await server.post(`/api/v2/masters/${lease.masterid}`, drain);
    expect((await member("engine-a")).orders).toMatchObject([{ kind: "drain", state: "ordered", reason: "new disk" }]);
    await waitFor(() => heard.length > 0, { what: "the event of the master" });
    expect(heard[0]).toBe(lease.masterid);
    expect((await cluster()).state).toBe("healthy");
  });

  it("says which requests wait for builders that no live master has, once they have waited for a while", async () => {
    await updates.builders.configure([
      { name: "stays", description: null, tags: [], project: null, workers: ["w1"], directory: "stays" },
    ]);
    await database.transaction((tx) => setState(tx, lease, "running"));
    const missing = Array.from({ length: 25 }, (_, i) => `gone-${i}`);
    await updates.buildsets.add(buildsetFor("stays", ...missing));
    await updates.buildsets.add(buildsetFor("gone-3"));
    expect((await cluster()).problems).toEqual([]);
    await execute(database, "update buildrequests set submitted_at = submitted_at - 100");
    const [problem, ...others] = (await cluster()).problems;
    expect(others).toEqual([]);
    expect(problem).toMatchObject({ kind: "builder_missing", facts: { requests: 26, builders_more: 5 } });
    expect(problem.sentence).toMatch(
      /^No live master has .*: 26 requests of the builders "gone-3" \(2\), "gone-\d+" \(1\),.* and 20 more\. /,
    );
    expect(problem.facts.builders).toHaveLength(20);
    // Another engine that has them, or one that starts, ends the problem.
    const other = (await join(database, { name: "engine-b", roles: ["builder-engine"] })).lease;
    expect((await cluster()).problems).toEqual([]);
    await database.transaction((tx) => setState(tx, other, "running"));
    expect((await cluster()).problems).toHaveLength(1);
    const all = missing.map((name) => ({ name, description: null, tags: [], project: null, workers: [] }));
    await updatesOf(database, other).builders.configure(all);
    expect((await cluster()).problems).toEqual([]);
  });

  it("says what is wrong, and whether it is being upgraded", async () => {
    await join(database, { name: "engine-b", roles: ["builder-engine"], release: "next" });
    expect(await cluster()).toMatchObject({ state: "upgrading", upgrading: true, releases: ["next", "test"] });
    await expire(database, lease);
    expect(await member("engine-a")).toMatchObject({ alive: false, state: "expired" });
    expect(await cluster()).toMatchObject({
      state: "degraded",
      problems: [
        {
          kind: "role_missing",
          sentence: "No live master has the role scheduler: changes and times start no builds.",
          facts: { role: "scheduler" },
        },
        { kind: "master_expired", facts: { master: "engine-a" } },
      ],
    });
  });
});
