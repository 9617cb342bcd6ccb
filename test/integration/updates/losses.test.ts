import { Results } from "@multimaster/core";
import { auditDatabase } from "@multimaster/data";
import { countMasterEnds } from "@multimaster/lifecycle";
import { beforeEach, describe, expect, it } from "vitest";
import { explainRequests } from "../../../packages/data/src/waiting/explain-waiting.ts";
import { aWorker, buildsetFor, type Member, startMasters, type TestMasters } from "../../harness/masters-with-data.ts";
import { leave } from "../../harness/members.ts";
import { engines } from "../../harness/test-databases.ts";
import { waitFor } from "../../harness/wait-for.ts";

describe.each(engines)("builds that are lost, on %s", (engine) => {
  let masters: TestMasters;
  beforeEach(async () => {
    masters = await startMasters(engine);
  });

  async function addRequest(member: Member): Promise<number> {
    const { requests } = await member.updates.buildsets.add(buildsetFor("runtests"));
    return Object.values(requests)[0] as number;
  }

  /** Begins a build of a request on a master. */
  async function begin(member: Member, buildrequestid: number): Promise<number> {
    expect(await member.updates.buildrequests.claim([buildrequestid])).toEqual([buildrequestid]);
    const build = await member.updates.builds.create({ buildrequestid, workerid: await aWorker(member) });
    if (build === "lost") throw new Error("the build was not created");
    await member.updates.steps.begin({ buildid: build.buildid, name: "shell" });
    return build.buildid;
  }

  /** Masters, each of which dies while it builds the request. */
  async function die(request: number, times: number, limit?: number | null): Promise<void> {
    for (let n = 0; n < times; n += 1) {
      const member = await masters.join();
      if (limit !== undefined) await configure(member, limit);
      await begin(member, request);
      await masters.evict(member);
    }
  }

  const configure = (member: Member, maxEngineDeaths: number | null) =>
    member.updates.builders.configure([
      { name: "runtests", description: null, tags: [], project: null, workers: ["w1"], maxEngineDeaths },
    ]);
  const outcome = async (id: number) => {
    const [request] = await masters.rows<{ complete: number; results: number }>(
      "select complete, results from buildrequests where id = ?",
      [id],
    );
    const builds = await masters.rows<{ results: number; state_string: string }>(
      "select results, state_string from builds where buildrequestid = ? order by id",
      [id],
    );
    return { request, builds: builds.map(({ results }) => results), state: builds.at(-1)?.state_string };
  };
  const open = { complete: 0, results: -1 };
  const { RETRY, EXCEPTION, CANCELLED } = Results;

  it("on their last try wait for another one on its last try, unless a running build waits for them", async () => {
    const front = await masters.join();
    const running = await addRequest(front);
    const waiting = await addRequest(front);
    const awaited = await addRequest(front);
    const fresh = await addRequest(front);
    const engine = await masters.join();
    await configure(engine, 3);
    for (const request of [running, waiting, awaited])
      await masters.rows(
        "insert into mm_request_losses (buildrequestid, engine_deaths, worker_losses, lost_at) values (?, 2, 0, 1)",
        [request],
      );
    await masters.rows("update buildrequests set waited_for = 1 where id = ?", [awaited]);
    const explain = async () => {
      const reasons = await explainRequests(masters.database, [waiting, awaited, fresh]);
      return [waiting, awaited, fresh].map((id) =>
        reasons
          .get(id)
          ?.map(({ kind }) => kind)
          .join(),
      );
    };
    const [before] = await explain();
    expect(before).not.toContain("last_try");
    await begin(engine, running);
    const [first, second, third] = await explain();
    expect(first).toContain("last_try");
    expect([second, third]).toEqual([before, before]);
    const pending = await engine.updates.buildrequests.pending([1], 10);
    expect(
      pending.map(({ buildrequestid, engineDeaths, waitedFor }) => [buildrequestid, engineDeaths, waitedFor]),
    ).toEqual([
      [waiting, 2, 0],
      [awaited, 2, 1],
      [fresh, 0, 0],
    ]);
  });

  it("with one master after the other end as EXCEPTION at the third, and say so", async () => {
    const front = await masters.join();
    const request = await addRequest(front);
    await die(request, 1);
    expect(await outcome(request)).toMatchObject({
      request: open,
      builds: [RETRY],
      state: /^master .* was lost$/,
    } as object);
    await die(request, 1);
    expect(await outcome(request)).toMatchObject({ request: open, builds: [RETRY, RETRY] });
    await die(request, 1);
    const end = await outcome(request);
    expect(end).toMatchObject({ request: { complete: 1, results: EXCEPTION }, builds: [RETRY, RETRY, EXCEPTION] });
    expect(end.state).toMatch(/a master was lost 3 times while it built this request.*maxEngineDeaths/);
    expect(await masters.rows("select results from steps order by id")).toEqual(
      [5, 5, 4].map((results) => ({ results })),
    );
    expect(await masters.rows("select complete, results from buildsets")).toEqual([
      { complete: 1, results: EXCEPTION },
    ]);
    expect(await masters.value("select detail from mm_request_losses")).toBe(end.state);
    expect(await front.updates.buildrequests.claim([request])).toEqual([]);
    expect((await auditDatabase(masters.database)).findings).toEqual([]);
  });

  it("on masters that die at the same time are counted each for itself", async () => {
    const front = await masters.join();
    const requests = [await addRequest(front), await addRequest(front), await addRequest(front)];
    for (let round = 0; round < 3; round += 1) {
      const members = await Promise.all(requests.map(() => masters.join()));
      for (const [n, member] of members.entries()) await begin(member, requests[n] as number);
      await Promise.all(members.map((member) => masters.evict(member)));
      // One that was locked by another is evicted by the next check.
      for (const member of members) {
        await waitFor(
          async () => {
            await masters.evict(member);
            return (
              (
                await masters.rows("select 1 from mm_leases where masterid = ? and buried_at is null", [
                  member.lease.masterid,
                ])
              ).length === 0
            );
          },
          { what: "all to be evicted" },
        );
      }
    }
    for (const request of requests)
      expect(await outcome(request)).toMatchObject({ request: { complete: 1 }, builds: [RETRY, RETRY, EXCEPTION] });
    expect(await masters.rows("select engine_deaths as n from mm_request_losses")).toEqual([
      { n: 3 },
      { n: 3 },
      { n: 3 },
    ]);
  });

  it.each([
    { limit: 1, builds: [EXCEPTION], complete: 1 },
    { limit: 2, builds: [RETRY, EXCEPTION], complete: 1 },
    { limit: null, builds: [RETRY, RETRY, RETRY, RETRY], complete: 0 },
  ])("are run again as often as the builder says: $limit", async ({ limit, builds, complete }) => {
    const request = await addRequest(await masters.join());
    await die(request, builds.length, limit);
    expect(await outcome(request)).toMatchObject({ request: { complete }, builds });
  });

  it("do not count if a master leaves in order or releases them, and end as requested if they were cancelled", async () => {
    const front = await masters.join();
    const request = await addRequest(front);
    for (let n = 0; n < 4; n += 1) {
      const leaving = await masters.join();
      await begin(leaving, request);
      await leave(masters.database, leaving.lease);
      const draining = await masters.join();
      const buildid = await begin(draining, request);
      expect(await draining.updates.builds.finish(buildid, { results: RETRY, state: "given back" })).toMatchObject({
        results: RETRY,
      });
    }
    // A build that a leaving master could not release is a loss; a build that it released is none.
    expect(await masters.rows("select engine_deaths, worker_losses from mm_request_losses")).toEqual([
      { engine_deaths: 0, worker_losses: 4 },
    ]);
    await die(request, 2);
    const last = await masters.join();
    await begin(last, request);
    await front.updates.buildrequests.cancel(request, "enough");
    await masters.evict(last);
    expect(await outcome(request)).toMatchObject({ request: { complete: 1, results: CANCELLED } });
  });

  it("with their worker are counted for themselves, up to the builder's limit", async () => {
    const member = await masters.join();
    const request = await addRequest(member);
    const lose = async (maxWorkerLosses: number | null) => {
      const buildid = await begin(member, request);
      return member.updates.builds.finish(buildid, { results: RETRY, state: "the worker is gone", maxWorkerLosses });
    };
    expect((await lose(null)).results).toBe(RETRY);
    expect((await lose(3)).results).toBe(RETRY);
    const end = await lose(3);
    expect(end.results).toBe(EXCEPTION);
    expect(end.state).toMatch(/the worker is gone.*3 times.*maxWorkerLosses/);
    expect(await outcome(request)).toMatchObject({ request: { complete: 1, results: EXCEPTION }, state: end.state });
    expect(await masters.rows("select engine_deaths, worker_losses from mm_request_losses")).toEqual([
      { engine_deaths: 0, worker_losses: 3 },
    ]);
  });

  it.each([
    { limit: undefined, times: 10 },
    { limit: 2, times: 2 },
    { limit: null, times: 11 },
  ])("with masters that are stopped and cannot give them back end at the builder's limit: $limit", async (row) => {
    const { limit, times } = row;
    const front = await masters.join();
    const request = await addRequest(front);
    for (let n = 1; n <= times; n += 1) {
      expect(await outcome(request)).toMatchObject({ request: open });
      const leaving = await masters.join();
      const builder = { name: "runtests", description: null, tags: [], project: null, workers: ["w1"] };
      if (limit !== undefined) await leaving.updates.builders.configure([{ ...builder, maxWorkerLosses: limit }]);
      await begin(leaving, request);
      await leave(masters.database, leaving.lease);
    }
    if (limit === null) return expect(await outcome(request)).toMatchObject({ request: open });
    const end = await outcome(request);
    expect(end).toMatchObject({ request: { complete: 1, results: EXCEPTION } });
    expect(end.builds).toEqual([...Array(times - 1).fill(RETRY), EXCEPTION]);
    expect(end.state).toMatch(new RegExp(`was stopped; this request was lost .* ${times} times.*maxWorkerLosses`));
    expect(await masters.value("select detail from mm_request_losses")).toBe(end.state);
    expect((await auditDatabase(masters.database)).findings).toEqual([]);
  });

  it("since they cannot be written are counted like a death; a claim without an answer is not", async () => {
    const member = await masters.join();
    const request = await addRequest(member);
    for (let n = 0; n < 3; n += 1) {
      await member.updates.buildrequests.claim([request]);
      await member.updates.buildrequests.release([request]);
    }
    for (let n = 0; n < 2; n += 1) {
      await begin(member, request);
      await member.updates.buildrequests.release([request], "failed");
    }
    expect(await outcome(request)).toMatchObject({ request: open, builds: [RETRY, RETRY] });
    await member.updates.buildrequests.claim([request]);
    await member.updates.buildrequests.release([request], "failed");
    expect(await outcome(request)).toMatchObject({ request: { complete: 1, results: EXCEPTION } });
    expect((await auditDatabase(masters.database)).findings).toEqual([]);
  });

  it("count every request of many once", async () => {
    const member = await masters.join();
    const { requests } = await member.updates.buildsets.add(buildsetFor("a", "b", "c"));
    const ids = Object.values(requests);
    await masters.database.transaction(async (tx) => {
      expect(await countMasterEnds(tx, "death", member.lease.masterid, ids)).toEqual(new Map());
      expect(await countMasterEnds(tx, "death", member.lease.masterid, ids.slice(1))).toEqual(new Map());
      expect([...(await countMasterEnds(tx, "death", member.lease.masterid, ids)).keys()].sort()).toEqual(ids.slice(1));
    });
  });
});
