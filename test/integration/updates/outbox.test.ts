import { Results } from "@multimaster/core";
import { execute } from "@multimaster/database";
import { finishBuilds, outboxBounds, pruneOutbox } from "@multimaster/lifecycle";
import { beforeEach, describe, expect, it } from "vitest";
import {
  aWorker,
  buildsetFor,
  claimedRequest,
  type Member,
  runningBuild,
  startMasters,
  type TestMasters,
} from "../../harness/masters-with-data.ts";
import { engines } from "../../harness/test-databases.ts";

const success = { results: Results.SUCCESS, state: "fine" };
const info = { admin: null, host: null, access_uri: null, version: null };

describe.each(engines)("the outbox on %s", (engine) => {
  let masters: TestMasters;
  let one: Member;
  let two: Member;
  let read: number;
  beforeEach(async () => {
    masters = await startMasters(engine);
    one = await masters.join();
    two = await masters.join();
    read = 0;
  });

  /** What was written since the last call, as `kind id`, with facts that are asked for. */
  async function takeRows(...facts: string[]): Promise<string[]> {
    const rows = await masters.rows<{ id: number; kind: string; objectid: number; facts: string }>(
      "select id, kind, objectid, facts from mm_outbox where id > ? order by id",
      [read],
    );
    read = rows.at(-1)?.id ?? read;
    return rows.map(({ kind, objectid, facts: json }) => {
      const known = JSON.parse(json) as Record<string, unknown>;
      return [kind, objectid, ...facts.flatMap((name) => (name in known ? `${name}=${known[name]}` : []))].join(" ");
    });
  }
  const buildsetOf = (request: number) =>
    masters.value("select buildsetid from buildrequests where id = ?", [request]) as Promise<number>;

  it("has one row for the beginning of a build, and one for each end that follows from its end, even if asked twice", async () => {
    const { buildid, builderid, buildrequestid, workerid } = await runningBuild(one);
    expect(await takeRows("builderid", "buildrequestid", "requests")).toEqual([
      `buildset-started ${await buildsetOf(buildrequestid)} requests=1`,
      `build-started ${buildid} builderid=${builderid} buildrequestid=${buildrequestid}`,
    ]);
    // The answer of the first call was lost.
    await one.updates.builds.create({ buildrequestid, workerid });
    expect(await takeRows()).toEqual([]);
    await one.updates.builds.finish(buildid, success);
    await one.updates.builds.finish(buildid, success);
    await one.updates.buildsets.completeFinished();
    expect(await takeRows("results")).toEqual([
      `build-ended ${buildid} results=0`,
      `request-ended ${buildrequestid} results=0`,
      `buildset-ended ${await buildsetOf(buildrequestid)} results=0`,
    ]);
  });

  it("has one row for a build that is to run again, and for its request, which another master may have", async () => {
    const { buildid, buildrequestid } = await runningBuild(one);
    await takeRows();
    await one.updates.builds.finish(buildid, { results: Results.RETRY, state: "again" });
    expect(await takeRows("results", "masterid")).toEqual([
      `build-ended ${buildid} results=5 masterid=${one.lease.masterid}`,
      `request-released ${buildrequestid} masterid=${one.lease.masterid}`,
    ]);
    await two.updates.buildrequests.claim([buildrequestid]);
    await two.updates.buildrequests.release([buildrequestid]);
    expect(await takeRows()).toEqual([`request-released ${buildrequestid}`]);
  });

  it("has a row for each request and buildset that ends without a build", async () => {
    const { bsid, requests } = await one.updates.buildsets.add(buildsetFor("a"));
    const [request] = Object.values(requests) as [number];
    await two.updates.buildrequests.cancel(request, "no need");
    await two.updates.buildrequests.cancel(request, "no need");
    expect(await takeRows("results")).toEqual([
      `buildset-started ${bsid}`,
      `request-ended ${request} results=6`,
      `buildset-ended ${bsid} results=6`,
    ]);
    const empty = await one.updates.buildsets.add(buildsetFor());
    expect(await takeRows("results")).toEqual([
      `buildset-started ${empty.bsid}`,
      `buildset-ended ${empty.bsid} results=0`,
    ]);
  });

  it("has a row for a worker that is detached, and none for one that was not attached here", async () => {
    const workerid = await aWorker(one);
    await one.updates.workers.attach(workerid, info);
    await two.updates.workers.detach(workerid);
    expect(await takeRows()).toEqual([]);
    await one.updates.workers.detach(workerid);
    await one.updates.workers.detach(workerid);
    expect(await takeRows()).toEqual([`worker-detached ${workerid}`]);
  });

  it("has the rows of everything that an evicted master leaves, once", async () => {
    const running = await runningBuild(one, "a");
    const stopped = await runningBuild(one, "b");
    const waiting = await claimedRequest(one, "c");
    await one.updates.workers.attach(running.workerid, info);
    await two.updates.buildrequests.cancel(stopped.buildrequestid, "no need");
    await takeRows();
    await masters.evict(one);
    await masters.evict(one);
    expect((await takeRows("results")).sort()).toEqual(
      [
        `master-evicted ${one.lease.masterid}`,
        `build-ended ${running.buildid} results=5`,
        `build-ended ${stopped.buildid} results=6`,
        `request-ended ${stopped.buildrequestid} results=6`,
        `buildset-ended ${await buildsetOf(stopped.buildrequestid)} results=6`,
        `request-released ${running.buildrequestid}`,
        `request-released ${waiting}`,
        `worker-detached ${running.workerid}`,
      ].sort(),
    );
  });

  it("has no row of a transaction that was rolled back", async () => {
    const { buildid } = await runningBuild(one);
    await takeRows();
    const rolledBack = one.database.transaction(async (tx) => {
      const { outcomes } = await finishBuilds(tx, one.lease, [{ buildid, end: success }]);
      expect(outcomes.finishedBuilds).toEqual([buildid]);
      throw new Error("the commit fails");
    });
    await expect(rolledBack).rejects.toThrow("the commit fails");
    expect(await takeRows()).toEqual([]);
    await one.updates.builds.finish(buildid, success);
    expect(await takeRows()).toHaveLength(3);
  });

  it("keeps no more rows than its bounds, however many masters delete the others at the same time", async () => {
    const add = (n: number, age: number) =>
      execute(
        masters.database,
        `insert into mm_outbox (at, kind, objectid, facts) values ${Array(n).fill(`(${masters.database.dialect.now} - ${age}, 'build-ended', 1, '{}')`)}`,
      );
    const count = async () => Number(await masters.value("select count(*) from mm_outbox"));
    await add(300, outboxBounds.seconds + 60);
    await add(200, 60);
    const newest = await masters.value("select max(id) from mm_outbox");
    await Promise.all([one, two].map(({ updates }) => updates.masters.pruneOutbox()));
    expect(await count()).toBe(200);
    await Promise.all([one, two].map(({ database }) => pruneOutbox(database, { ...outboxBounds, rows: 50 })));
    expect(await masters.rows("select min(id) as first, max(id) as last, count(*) as n from mm_outbox")).toEqual([
      { first: Number(newest) - 49, last: newest, n: expect.toSatisfy((n) => Number(n) === 50) },
    ]);
    expect(await pruneOutbox(masters.database, { ...outboxBounds, rows: 50 })).toBe(0);
    // The newest stays: no id is given twice.
    await execute(masters.database, "update mm_outbox set at = 1");
    expect(await pruneOutbox(masters.database)).toBe(49);
    await add(1, 0);
    expect(Number(await masters.value("select max(id) from mm_outbox"))).toBeGreaterThan(Number(newest));
  });
});
