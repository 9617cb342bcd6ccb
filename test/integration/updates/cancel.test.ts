import { setTimeout as sleep } from "node:timers/promises";
import { Results } from "@multimaster/core";
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

describe.each(engines)("cancelling on %s", (engine) => {
  let masters: TestMasters;
  let engineOne: Member;
  let ui: Member;
  beforeEach(async () => {
    masters = await startMasters(engine);
    engineOne = await masters.join();
    ui = await masters.join();
  });
  const request = async (id: number) =>
    (
      await masters.rows<{ complete: number; results: number }>(
        "select complete, results from buildrequests where id = ?",
        [id],
      )
    )[0];
  const cancelled = { complete: 1, results: Results.CANCELLED };

  it("a pending request ends immediately, whichever master was asked", async () => {
    const { requests } = await ui.updates.buildsets.add(buildsetFor("a"));
    const id = Object.values(requests)[0] as number;
    await masters.takeTopics();
    expect(await ui.updates.buildrequests.cancel(id, "not needed")).toBe("cancelled");
    expect(await request(id)).toEqual(cancelled);
    expect(await masters.value("select results from buildsets")).toBe(Results.CANCELLED);
    expect(await masters.value("select masterid from buildrequest_claims")).toBe(ui.lease.masterid);
    await ui.updates.close();
    expect(masters.messages.at(-1)).toEqual({ topic: `buildrequests.${id}.cancel`, payload: null });
    expect(await masters.takeTopics(/^build(requests|sets)\.\d+\.\w+$/)).toEqual([
      `buildrequests.${id}.claimed`,
      `buildrequests.${id}.complete`,
      "buildsets.1.complete",
      `buildrequests.${id}.cancel`,
    ]);
    expect(await ui.updates.buildrequests.cancel(id, "again")).toBe("complete");
    expect(await ui.updates.buildrequests.cancel(999, "none")).toBe("unknown");
    expect(await engineOne.updates.buildrequests.claim([id])).toEqual([]);
  });

  it("of a running one the build is asked to stop, and RETRY does not bring it back", async () => {
    const { buildid, buildrequestid } = await runningBuild(engineOne);
    await masters.takeTopics();
    expect(await ui.updates.buildrequests.cancel(buildrequestid, "stop it")).toBe("stopping");
    expect(await masters.takeTopics()).toEqual([
      `control.buildrequests.${buildrequestid}.cancel`,
      `control.builds.${buildid}.stop`,
    ]);
    expect(await engineOne.updates.builds.stopRequests([buildid])).toEqual([
      { buildid, reason: "stop it", results: Results.CANCELLED, isRepeated: false },
    ]);
    expect(await ui.updates.buildrequests.cancel(buildrequestid, "at last")).toBe("stopping");
    expect(await engineOne.updates.builds.stopRequests([buildid])).toEqual([
      { buildid, reason: "stop it", results: Results.CANCELLED, isRepeated: true },
    ]);
    await engineOne.updates.builds.finish(buildid, { results: Results.RETRY, state: "worker lost" });
    expect(await request(buildrequestid)).toEqual(cancelled);
    expect(await masters.value("select complete from buildsets")).toBe(1);
    for (const table of ["mm_cancellations", "mm_stop_requests"]) {
      expect(await masters.value(`select count(*) as n from ${table}`)).toBe(0);
    }
  });

  it("a request cancelled between its claim and its build ends without one", async () => {
    const id = await claimedRequest(engineOne);
    expect(await ui.updates.buildrequests.cancel(id, "no")).toBe("stopping");
    expect(await engineOne.updates.builds.create({ buildrequestid: id, workerid: await aWorker(engineOne) })).toBe(
      "lost",
    );
    expect(await request(id)).toEqual(cancelled);
    expect(await masters.value("select count(*) as n from builds")).toBe(0);
  });

  it("a request cancelled between its claim and its return ends too", async () => {
    const id = await claimedRequest(engineOne);
    await ui.updates.buildrequests.cancel(id, "no");
    await engineOne.updates.buildrequests.release([id]);
    expect(await request(id)).toEqual(cancelled);
  });

  it("it ends although its engine dies", async () => {
    const { buildid, buildrequestid } = await runningBuild(engineOne);
    const claimed = await claimedRequest(engineOne);
    await ui.updates.buildrequests.cancel(buildrequestid, "no");
    await ui.updates.buildrequests.cancel(claimed, "no");
    await masters.evict(engineOne);
    expect(await request(buildrequestid)).toEqual(cancelled);
    expect(await request(claimed)).toEqual(cancelled);
    expect(await masters.value("select results from builds where id = ?", [buildid])).toBe(Results.CANCELLED);
    await ui.updates.buildsets.completeFinished();
    expect(await masters.value("select count(*) as n from mm_cancellations")).toBe(0);
    expect(await masters.value("select count(*) as n from buildsets where complete = 0")).toBe(0);
  });

  it("a cancelled request that a Buildbot master released is ended by the next master that polls", async () => {
    const id = await claimedRequest(engineOne);
    await ui.updates.buildrequests.cancel(id, "no");
    await masters.rows("delete from buildrequest_claims");
    expect(await ui.updates.buildrequests.pending([1], 10)).toEqual([]);
    await ui.updates.masters.evictDead();
    expect(await request(id)).toEqual(cancelled);
  });

  it("in whatever order cancel, claim, build and end meet, a request ends exactly once", {
    timeout: 180_000,
  }, async () => {
    const engines = [engineOne, await masters.join()];
    const workerid = await aWorker(engineOne);
    const ids: number[] = [];
    for (let n = 0; n < 80; n++)
      ids.push(...Object.values((await ui.updates.buildsets.add(buildsetFor("a", "b"))).requests));
    const builders = (await masters.rows<{ id: number }>("select id from builders")).map((row) => row.id);
    const open = () => masters.value("select count(*) as n from buildrequests where complete = 0");
    const pause = () => sleep(Math.random() * 6);

    async function run(engine: Member): Promise<void> {
      while ((await open()) !== 0) {
        await pause();
        const pending = await engine.updates.buildrequests.pending(builders, 8);
        const claimed = await engine.updates.buildrequests.claim(pending.map((p) => p.buildrequestid));
        await Promise.all(
          claimed.map(async (buildrequestid) => {
            await pause();
            if (Math.random() < 0.2) return engine.updates.buildrequests.release([buildrequestid]);
            const build = await engine.updates.builds.create({ buildrequestid, workerid });
            if (build === "lost") return;
            await pause();
            const results = Math.random() < 0.4 ? Results.RETRY : Results.SUCCESS;
            await engine.updates.builds.finish(build.buildid, { results, state: "done" });
          }),
        );
        await ui.updates.masters.evictDead();
      }
    }
    const cancelling = Promise.all(
      ids.map(async (id) => {
        await sleep(Math.random() * 1500);
        const member = [ui, ...engines][id % 3] as Member;
        await Promise.all([
          member.updates.buildrequests.cancel(id, "race"),
          ui.updates.buildrequests.cancel(id, "race"),
        ]);
      }),
    );
    await Promise.all([...engines.map(run), cancelling]);

    const completions = await masters.takeTopics(/^buildrequests\.\d+\.complete$/);
    expect(completions.sort()).toEqual(ids.map((id) => `buildrequests.${id}.complete`).sort());
    const ends = await masters.rows<{ results: number }>("select distinct results from buildrequests");
    expect(ends.every((row) => row.results === Results.CANCELLED || row.results === Results.SUCCESS)).toBe(true);
    expect(await masters.value("select count(*) as n from builds where complete_at is null")).toBe(0);
    // A request that succeeded has exactly one build that did; one that was cancelled has none.
    const wrong = await masters.value(
      `select count(*) as n from buildrequests r
        where (select count(*) from builds b where b.buildrequestid = r.id and b.results = 0) <> case when r.results = 0 then 1 else 0 end`,
    );
    expect(wrong).toBe(0);
    expect(await masters.value("select count(*) as n from buildsets where complete = 0")).toBe(0);
    await ui.updates.buildsets.completeFinished();
    for (const table of ["mm_cancellations", "mm_stop_requests"]) {
      expect(await masters.value(`select count(*) as n from ${table}`)).toBe(0);
    }
  });
});
