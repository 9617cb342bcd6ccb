import { drainMaster, type Lease } from "@multimaster/cluster";
import { createTrail } from "@multimaster/data";
import { type Database, execute, queryRows } from "@multimaster/database";
import { beforeEach, describe, expect, it } from "vitest";
import {
  addRequests,
  addRunningBuild,
  claimRequests,
  evictDead,
  expire,
  join,
  joinAsEvictor,
  leave,
  releaseRequests,
} from "../../harness/members.ts";
import { startProcess, type TestProcess } from "../../harness/processes.ts";
import { engines, newDatabase } from "../../harness/test-databases.ts";

const none = { before: 0, finished: 0, handedOver: 0, retried: 0, running: 0, lost: 0 };

describe.each(engines)("draining another master by its rows on %s", (engine) => {
  let database: Database;
  let lease: Lease;
  /** Stands for the master: it only counts the signals it gets, and ends with the second. */
  let process: TestProcess;
  let drained: { masterid: number; name: string; host: string; pid: number };

  beforeEach(async () => {
    database = await newDatabase(engine);
    const script = `let n = 0; process.on("SIGTERM", () => { console.log("signal " + ++n); if (n === 2) process.exit() });
      setInterval(() => {}, 1000); console.log("started");`;
    process = await startProcess({
      name: "a master",
      command: globalThis.process.execPath,
      args: ["-e", script, "start"],
    });
    await process.waitForOutput("started");
    ({ lease } = await join(database, { host: "here", pid: process.pid }));
    drained = { masterid: lease.masterid, name: lease.name, host: "here", pid: process.pid };
  });

  const endBuild = (buildid: number, results: number) =>
    execute(database, "update builds set complete_at = 2, results = ? where id = ?", [results, buildid]);

  it("is requested by an order in the rows; a master that does not carry it out gets a signal", async () => {
    const impatience = new AbortController();
    const actor = { identity: "system:ann@here", name: "ann", by: "command line", address: null } as const;
    const trail = createTrail(actor, "drain", `masters/${drained.name}`, "master upgrade");
    const report = drainMaster(database, drained, { deadlineMs: 600_000, signal: impatience.signal, trail });
    await process.waitForOutput("signal 1");
    const orders = await queryRows(
      database,
      "select kind, role, ordered_by, ended_at, round(deadline_at - ordered_at) as deadline from mm_orders where masterid = ?",
      [lease.masterid],
    );
    expect(orders).toEqual([
      { kind: "drain", role: null, ordered_by: "master upgrade", ended_at: null, deadline: 600 },
    ]);
    expect(await queryRows(database, "select who, action, object, outcome from mm_audit")).toEqual([
      { who: "system:ann@here", action: "drain", object: `masters/${drained.name}`, outcome: "done" },
    ]);
    impatience.abort();
    expect(await report).toMatchObject({ outcome: "draining" });
  });

  it("reports what became of each of its requests when it has ended in order", async () => {
    const [finished = 0, retried = 0, waiting = 0, late = 0, cancelled = 0, others = 0] = await addRequests(
      database,
      6,
    );
    await claimRequests(database, lease, [finished, retried, waiting, late, cancelled]);
    await claimRequests(database, (await join(database)).lease, [others]);
    const one = await addRunningBuild(database, lease, finished);
    const two = await addRunningBuild(database, lease, retried);
    const report = drainMaster(database, drained);
    await process.waitForOutput("signal 1");
    await releaseRequests(database, lease, [waiting]);
    // Begun at the very last moment before it heard of the drain.
    const three = await addRunningBuild(database, lease, late);
    await endBuild(one.buildid, 0);
    await endBuild(two.buildid, 5);
    await endBuild(three.buildid, 2);
    // What it released counts as retried although another master has already built it.
    await execute(database, "update buildrequests set complete = 1 where id in (?, ?, ?)", [
      finished,
      retried,
      cancelled,
    ]);
    await leave(database, lease);
    process.signal("SIGKILL");
    expect(await report).toMatchObject({
      outcome: "ended",
      requests: { ...none, before: 5, finished: 3, handedOver: 1, retried: 1 },
    });
    expect(process.output()).not.toContain("signal 2");
  });

  it("makes it release its builds when the deadline has passed, and distinguishes a death from an end", async () => {
    const [brid = 0] = await addRequests(database, 1);
    await claimRequests(database, lease, [brid]);
    await addRunningBuild(database, lease, brid);
    const evictor = await joinAsEvictor(database);
    const report = drainMaster(database, drained, { deadlineMs: 0 });
    await process.waitForExit();
    await expire(database, lease);
    await evictDead(database, evictor);
    expect(await report).toMatchObject({ outcome: "died", requests: { ...none, before: 1, retried: 1 } });
  });

  it("leaves it draining when the waiting command gives up", async () => {
    const [brid = 0] = await addRequests(database, 1);
    await claimRequests(database, lease, [brid]);
    await addRunningBuild(database, lease, brid);
    const impatience = new AbortController();
    const report = drainMaster(database, drained, { signal: impatience.signal });
    await process.waitForOutput("signal 1");
    impatience.abort();
    expect(await report).toMatchObject({ outcome: "draining", requests: { ...none, before: 1, running: 1 } });
    expect(process.exit()).toBeUndefined();
  });

  it("sends no signal to another program that has the process id now", async () => {
    const other = await startProcess({ name: "another program", command: "sleep", args: ["600"] });
    await execute(database, "update mm_leases set pid = ? where masterid = ?", [other.pid, lease.masterid]);
    const evictor = await joinAsEvictor(database);
    await expire(database, lease);
    await evictDead(database, evictor);
    expect(await drainMaster(database, { ...drained, pid: other.pid })).toMatchObject({ outcome: "died" });
    expect(other.exit()).toBeUndefined();
  });
});
