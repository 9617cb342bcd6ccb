import { LeaseLost } from "@multimaster/cluster";
import { silentLog, systemClock } from "@multimaster/core";
import { createEvictionService, type Updates } from "@multimaster/data";
import { buildbotTables, ownTables } from "@multimaster/database";
import { beforeEach, describe, expect, it } from "vitest";
import {
  buildsetFor,
  claimedRequest,
  type Member,
  runningBuild,
  startMasters,
  type TestMasters,
} from "../../harness/masters-with-data.ts";
import { expire, makeSteady } from "../../harness/members.ts";
import { engines } from "../../harness/test-databases.ts";
import { waitFor } from "../../harness/wait-for.ts";

const info = { admin: null, host: "h", access_uri: null, version: "1" };
const source = { object: "poller", className: "GitPoller", name: "lastRev" };

describe.each(engines)("a master that was evicted, on %s", (engine) => {
  let masters: TestMasters;
  let dead: Member;
  let ids: {
    request: number;
    buildid: number;
    stepid: number;
    logid: number;
    workerid: number;
    scheduler: number;
    poller: number;
    changeid: number;
  };
  beforeEach(async () => {
    masters = await startMasters(engine);
    dead = await masters.join();
    const { updates } = dead;
    await updates.builders.configure([
      { name: "runtests", description: null, tags: [], project: null, workers: ["w1"] },
    ]);
    const scheduler = (await updates.schedulers.register(["main"])).get("main") as number;
    await updates.schedulers.claim(scheduler);
    const poller = (await updates.changeSources.register(["poller"])).get("poller") as number;
    await updates.changeSources.claim(poller);
    const { changeid } = await updates.changes.add({ author: "a", comments: "c" });
    await updates.schedulers.classify(scheduler, [{ changeid, verdict: "important" }]);
    const { buildid, workerid } = await runningBuild(dead);
    await updates.workers.attach(workerid, info);
    const { stepid } = await updates.steps.begin({ buildid, name: "shell" });
    const { logid } = await updates.logs.add({ stepid, name: "stdio", type: "s" });
    const request = await claimedRequest(dead);
    ids = { request, buildid, stepid, logid, workerid, scheduler, poller, changeid };
    await masters.evict(dead);
  });

  /** Every row of every table but the leases. */
  async function dump(): Promise<string> {
    const tables = [...buildbotTables, ...ownTables].map((table) => table.name).filter((name) => name !== "mm_leases");
    const contents: Record<string, string[]> = {};
    for (const table of tables) {
      contents[table] = (await masters.rows(`select * from ${table}`)).map((row) => JSON.stringify(row)).sort();
    }
    return JSON.stringify(contents);
  }

  const fenced: Record<string, (u: Updates) => Promise<unknown>> = {
    "builders.configure": (u) =>
      u.builders.configure([{ name: "new", description: "d", tags: ["t"], project: "p", workers: ["w9"] }]),
    "workers.attach": (u) => u.workers.attach(ids.workerid, info),
    "commands.record": (u) =>
      u.commands.record({
        commandId: "1",
        workerid: ids.workerid,
        buildid: ids.buildid,
        stepid: ids.stepid,
        name: "shell",
      }),
    "commands.forget": (u) => u.commands.forget(["1"]),
    "changeSources.claim": (u) => u.changeSources.claim(ids.poller),
    "changeSources.addPolled": (u) =>
      u.changeSources.addPolled(ids.poller, [{ author: "a", comments: "c" }], { ...source, value: 1 }),
    "schedulers.claim": (u) => u.schedulers.claim(ids.scheduler),
    "schedulers.publish": (u) => u.schedulers.publish(ids.scheduler, { kind: "form", form: {} }),
    "schedulers.classify": (u) =>
      u.schedulers.classify(ids.scheduler, [{ changeid: ids.changeid, verdict: "important" }]),
    "schedulers.submit": (u) =>
      u.schedulers.submit(ids.scheduler, [{ buildset: buildsetFor("runtests"), changeids: [ids.changeid] }]),
    "buildrequests.claim": (u) => u.buildrequests.claim([ids.request]),
    "builds.create": (u) => u.builds.create({ buildrequestid: ids.request, workerid: ids.workerid }),
    "builds.setProperties": (u) => u.builds.setProperties(ids.buildid, { a: [1, "x"] }),
    "builds.finish": (u) => u.builds.finish(ids.buildid, { results: 0, state: "done" }),
    "triggers.trigger": (u) =>
      u.triggers.trigger({
        buildid: ids.buildid,
        waitedFor: true,
        relationship: "late",
        triggers: [{ scheduler: "main", slot: "late/main/1", sourceStamps: {}, properties: {} }],
      }),
    "steps.begin": (u) => u.steps.begin({ buildid: ids.buildid, name: "late" }),
    "builds.setState": (u) => u.builds.setState(ids.buildid, "late"),
    "steps.setState": (u) => u.steps.setState(ids.stepid, "late"),
    "steps.addUrl": (u) => u.steps.addUrl(ids.stepid, "late", "http://late"),
    "steps.finish": (u) => u.steps.finish(ids.stepid, { results: 0, state: "done", hidden: false }),
    "logs.add": (u) => u.logs.add({ stepid: ids.stepid, name: "late", type: "t" }),
    "logs.append": (u) => u.logs.append(ids.logid, 0, "olate\n"),
    "logs.finish": (u) => u.logs.finish(ids.logid),
  };
  it("writes nothing, and gets the loss as the answer", async () => {
    const before = await dump();
    for (const [name, write] of Object.entries(fenced)) {
      await expect(write(dead.updates), name).rejects.toThrow(LeaseLost);
    }
    expect(await dump()).toBe(before);
  });

  const harmless: Record<string, (u: Updates) => Promise<unknown>> = {
    "workers.detach": (u) => u.workers.detach(ids.workerid),
    "workers.keep": (u) => u.workers.keep(ids.workerid),
    "changeSources.release": (u) => u.changeSources.release(ids.poller),
    "schedulers.release": (u) => u.schedulers.release(ids.scheduler),
    "buildrequests.release": (u) => u.buildrequests.release([ids.request]),
  };
  it("changes nothing either by what needs no lease, now that others have what it had", async () => {
    const heir = await masters.join();
    await heir.updates.workers.attach(ids.workerid, info);
    await heir.updates.schedulers.claim(ids.scheduler);
    await heir.updates.changeSources.claim(ids.poller);
    expect(await heir.updates.buildrequests.claim([ids.request])).toEqual([ids.request]);
    const before = await dump();
    for (const write of Object.values(harmless)) await write(dead.updates);
    expect(await dump()).toBe(before);
  });

  it("is evicted by the service that every master runs, which also ends what was left open", async () => {
    const victim = await masters.join();
    const { buildid } = await runningBuild(victim);
    await masters.rows("update buildrequests set complete = 1, results = 0 where id = ?", [ids.request]);
    const evictor = await masters.join();
    await makeSteady(masters.database, evictor.lease);
    await expire(masters.database, victim.lease);
    const service = createEvictionService({
      updates: evictor.updates,
      leaseMs: 1000,
      clock: systemClock,
      log: silentLog,
    });
    await service.start();
    await waitFor(async () => (await masters.value("select results from builds where id = ?", [buildid])) === 5, {
      what: "the eviction",
    });
    const open = "select complete from buildsets where id = (select buildsetid from buildrequests where id = ?)";
    await waitFor(async () => (await masters.value(open, [ids.request])) === 1, {
      what: "the forgotten buildset to be completed",
    });
    await Promise.all([service.stop(), service.stop()]);
  });

  it("leaves its requests to others, and everybody hears of it", async () => {
    const topics = await masters.takeTopics(/\.(unclaimed|finished|stopped|disconnected)$/);
    expect(topics).toEqual(
      expect.arrayContaining([
        `builds.${ids.buildid}.finished`,
        `steps.${ids.stepid}.finished`,
        `logs.${ids.logid}.finished`,
        `buildrequests.${ids.request}.unclaimed`,
        `workers.${ids.workerid}.disconnected`,
        "builders.1.stopped",
        `masters.${dead.lease.masterid}.stopped`,
      ]),
    );
    const heir = await masters.join();
    expect(await heir.updates.buildrequests.pending([1], 10)).toHaveLength(2);
  });
});
