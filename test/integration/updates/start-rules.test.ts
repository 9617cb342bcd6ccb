import { Results } from "@multimaster/core";
import { explainRequests } from "@multimaster/data";
import { beforeEach, describe, expect, it } from "vitest";
import { aWorker, buildsetFor, type Member, startMasters, type TestMasters } from "../../harness/masters-with-data.ts";
import { engines } from "../../harness/test-databases.ts";

describe.each(engines)("who goes first on %s", (engine) => {
  let masters: TestMasters;
  let one: Member;
  beforeEach(async () => {
    masters = await startMasters(engine);
    one = await masters.join();
  });
  const submit = async (member: Member, builder: string, priority = 0) => {
    const { requests } = await member.updates.buildsets.add({ ...buildsetFor(builder), priority });
    return Object.values(requests)[0] as number;
  };
  const configure = (member: Member) =>
    member.updates.builders.configure(
      ["a", "b"].map((name) => ({
        name,
        description: null,
        tags: [],
        project: null,
        workers: ["w1"],
        directory: name,
      })),
    );

  it("reads the first and the newest requests of each builder, by priority, however many wait", async () => {
    const ids = await configure(one);
    const [a = 0, b = 0] = [ids.get("a"), ids.get("b")];
    const ofA: number[] = [];
    for (const priority of [0, 2, 0, 2, 1]) ofA.push(await submit(one, "a", priority));
    const ofB = [await submit(one, "b"), await submit(one, "b")];
    const { firstOf, newestOf, claim } = one.updates.buildrequests;
    const shown = (rows: readonly { buildrequestid: number }[]) => rows.map(({ buildrequestid }) => buildrequestid);
    expect(shown(await firstOf([a, b], 2))).toEqual([ofA[1], ofA[3], ofB[0], ofB[1]]);
    const newest = await newestOf(
      new Map([
        [a, 4],
        [b, 1],
      ]),
    );
    expect(shown(newest.get(a) ?? [])).toEqual([ofA[3], ofA[1], ofA[4], ofA[2]]);
    expect(shown(newest.get(b) ?? [])).toEqual([ofB[1]]);
    await claim([ofA[3] as number]);
    expect(shown(await firstOf([a], 1))).toEqual([ofA[1]]);
    expect([...(await one.updates.builders.lastBuilds([a, b])).keys()]).toEqual([]);
    await one.updates.builds.create({ buildrequestid: ofA[3] as number, workerid: await aWorker(one) });
    expect([...(await one.updates.builders.lastBuilds([a, b])).keys()]).toEqual([a]);
  });

  it("lets a request wait that a rule runs again, and counts how often", async () => {
    const ids = await configure(one);
    const a = ids.get("a") as number;
    const id = await submit(one, "a");
    const run = async (delayS: number) => {
      await one.updates.buildrequests.claim([id]);
      const build = await one.updates.builds.create({ buildrequestid: id, workerid: await aWorker(one) });
      if (build === "lost") throw new Error("the build was not created");
      return one.updates.builds.finish(build.buildid, {
        results: Results.EXCEPTION,
        state: "exception",
        retry: { times: 2, delayS },
      });
    };
    expect(await run(0)).toEqual({
      results: Results.RETRY,
      state: "exception (retry 1 of 2)",
      retry: { times: 2, delayS: 0 },
    });
    expect(await one.updates.buildrequests.pending([a], 5)).toHaveLength(1);
    expect((await run(3600)).state).toBe("exception (retry 2 of 2)");
    expect(await one.updates.buildrequests.pending([a], 5)).toEqual([]);
    const [why] = (await explainRequests(masters.database, [id])).get(id) ?? [];
    expect(why).toMatchObject({ kind: "retry_delay" });
    expect(why?.sentence).toContain('its last build ended with "exception"; this is retry 2 of 2.');
    await masters.rows("update mm_request_retries set retry_at = 0 returning buildrequestid");
    const last = await run(1);
    expect(last).toMatchObject({ results: Results.EXCEPTION });
    expect(last.state).toBe(
      'exception (this request was run again 2 times, as often as "retry" of its builder allows)',
    );
  });

  it("gives what an engine's functions refuse as reasons, until that engine is gone", async () => {
    const two = await masters.join();
    const ids = await configure(two);
    const builderid = ids.get("a") as number;
    const workerid = await aWorker(two);
    await two.updates.workers.attach(workerid, { admin: null, host: null, access_uri: null, version: null }, 1);
    const name = await masters.value("select name from workers where id = ?", [workerid]);
    await two.updates.builders.configure([
      { name: "a", description: null, tags: [], project: null, workers: [String(name)], directory: "a", asks: true },
    ]);
    const [id, behind] = [await submit(two, "a"), await submit(two, "a")];
    const kindsOf = async (request: number) =>
      ((await explainRequests(masters.database, [request])).get(request) ?? []).map(({ kind, sentence }) => [
        kind,
        sentence,
      ]);
    expect((await kindsOf(id))[0]?.[1]).toContain("which asks the config whether it may start there");
    const refusal = {
      builderid,
      buildrequestid: id,
      workerid,
      option: "canStart",
      why: "the disk is full",
      until: null,
    };
    await two.updates.startRules.saveRefusals([refusal], []);
    for (const request of [id, behind]) {
      const [reason] = await kindsOf(request);
      expect(reason?.[0]).toBe("refused");
      expect(reason?.[1]).toContain(`refuses ${name}: the disk is full.`);
    }
    await masters.evict(two);
    expect((await kindsOf(id)).map(([kind]) => kind)).not.toContain("refused");
    expect(await masters.rows("select * from mm_start_refusals")).toHaveLength(1);
    await one.updates.startRules.saveRefusals([], [refusal]);
  });
});
