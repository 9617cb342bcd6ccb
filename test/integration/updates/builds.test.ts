import { type Result, Results } from "@multimaster/core";
import { auditDatabase } from "@multimaster/data";
import { execute } from "@multimaster/database";
import { endRequest, noOutcomes, transition } from "@multimaster/lifecycle";
import { beforeEach, describe, expect, it } from "vitest";
import {
  aWorker,
  buildsetFor,
  claimedRequest,
  type Member,
  runningBuild,
  stamp,
  startMasters,
  type TestMasters,
} from "../../harness/masters-with-data.ts";
import { engines } from "../../harness/test-databases.ts";

describe.each(engines)("build requests and builds on %s", (engine) => {
  let masters: TestMasters;
  let one: Member;
  let two: Member;
  beforeEach(async () => {
    masters = await startMasters(engine);
    one = await masters.join();
    two = await masters.join();
  });
  const requestRow = async (id: number) =>
    (
      await masters.rows<{ complete: number; results: number }>(
        "select complete, results from buildrequests where id = ?",
        [id],
      )
    )[0];
  const finish = (results: number) => ({ results: results as 0, state: "done" });

  it("pending requests come by priority, then by age; claimed and cancelled ones do not come", async () => {
    const ids: number[] = [];
    for (const priority of [0, 5, 0, 0, 0]) {
      ids.push(...Object.values((await one.updates.buildsets.add({ ...buildsetFor("a"), priority })).requests));
    }
    const [b1, b2, b3, b4, b5] = ids as [number, number, number, number, number];
    await execute(masters.database, "update buildrequests set submitted_at = 5 where id = ?", [b3]);
    await two.updates.buildrequests.claim([b4]);
    await one.updates.buildrequests.cancel(b5, "no");
    const builder = (await masters.value("select id from builders")) as number;
    const order = async (limit = 10) =>
      (await one.updates.buildrequests.pending([builder], limit)).map((r) => r.buildrequestid);
    expect(await order()).toEqual([b2, b3, b1]);
    expect(await order(1)).toEqual([b2]);
    expect(await one.updates.buildrequests.setPriority(b1, 9)).toBe("done");
    expect(await order()).toEqual([b1, b2, b3]);
    expect(await one.updates.buildrequests.pending([], 10)).toEqual([]);
    expect(await one.updates.buildrequests.setPriority(999, 1)).toBe("unknown");
  });

  it("a claim belongs to one master, and any master can take it when it is released", async () => {
    const { requests } = await one.updates.buildsets.add(buildsetFor("a"));
    const ids = Object.values(requests);
    expect(await one.updates.buildrequests.claim(ids)).toEqual(ids);
    expect(await two.updates.buildrequests.claim(ids)).toEqual([]);
    await two.updates.buildrequests.release(ids);
    expect(await one.updates.buildrequests.claimedByMe(ids)).toEqual(ids);
    await masters.takeTopics();
    await one.updates.buildrequests.release(ids);
    expect(await masters.takeTopics(/^buildrequests/)).toEqual([`buildrequests.${ids[0]}.unclaimed`]);
    expect(await two.updates.buildrequests.claim(ids)).toEqual(ids);
  });

  it("a request of another master is not released, cancelled or ended by one that does not hold it", async () => {
    const { requests } = await one.updates.buildsets.add(buildsetFor("a"));
    const ids = Object.values(requests);
    await one.updates.buildrequests.claim(ids);
    // Its holder still has to stop it; until then it is not over for anyone.
    await two.updates.buildrequests.cancel(ids[0] as number, "no");
    await masters.takeTopics();
    await two.updates.buildrequests.release(ids);
    expect(await masters.takeTopics()).toEqual([]);
    expect(await requestRow(ids[0] as number)).toMatchObject({ complete: 0 });
    expect(await one.updates.buildrequests.claimedByMe(ids)).toEqual(ids);
  });

  it("describes to a build everything about its request", async () => {
    const { changeid } = await one.updates.changes.add({
      author: "dev",
      comments: "c",
      ...stamp,
      files: ["a"],
      properties: { p: 1 },
    });
    const { bsid, requests } = await one.updates.buildsets.add({
      ...buildsetFor("a"),
      sourceStamps: [stamp, { ...stamp, codebase: "lib" }],
      properties: { owner: ["dev", "Scheduler"], nested: [{ a: [1, null] }, "x"] },
      waitedFor: true,
    });
    const details = await one.updates.buildrequests.details(Object.values(requests)[0] as number);
    expect(details).toMatchObject({ buildsetid: bsid, reason: "because", waitedFor: true });
    expect(details?.properties).toEqual({ owner: ["dev", "Scheduler"], nested: [{ a: [1, null] }, "x"] });
    expect(details?.sourceStamps.map((s) => s.codebase)).toEqual(["", "lib"]);
    expect(details?.changes).toMatchObject([
      { changeid, files: ["a"], properties: { p: [1, "Change"] }, sourcestamp: { branch: "main" } },
    ]);
    expect(await one.updates.buildrequests.details(999)).toBeUndefined();
  });

  it("numbers are unique and without gaps per builder, whichever masters create the builds", async () => {
    const members = [one, two, await masters.join(), await masters.join()];
    const numbers = await Promise.all(
      members.map(async (member) => {
        const mine: number[] = [];
        for (let n = 0; n < 10; n++) mine.push((await runningBuild(member)).number);
        return mine;
      }),
    );
    expect(numbers.flat().sort((a, b) => a - b)).toEqual(Array.from({ length: 40 }, (_, i) => i + 1));
  });

  it("a build is only created under the own claim of an open request", async () => {
    const workerid = await aWorker(one);
    const id = await claimedRequest(one);
    expect(await two.updates.builds.create({ buildrequestid: id, workerid })).toBe("lost");
    expect(await one.updates.builds.create({ buildrequestid: 999, workerid })).toBe("lost");
    const { buildid, buildrequestid } = await runningBuild(one);
    await one.updates.builds.finish(buildid, finish(Results.SUCCESS));
    expect(await one.updates.builds.create({ buildrequestid, workerid })).toBe("lost");
  });

  it("a build whose creation was not answered is found again, not made twice", async () => {
    const first = await runningBuild(one);
    const create = async (worker: string) => {
      const { buildrequestid } = first;
      const properties = { worker: [worker, "Build"] } as const;
      const steps = [{ name: "worker_preparation" }];
      const opening = { state: "preparing worker", steps, propertiesOf: () => properties };
      return one.updates.builds.create({ buildrequestid, workerid: await aWorker(one, worker), opening });
    };
    const opened = await create("w2");
    expect(opened).toMatchObject({ buildid: first.buildid, number: first.number });
    expect(await create("w3")).toEqual(opened);
    expect(await masters.rows("select number, name from steps")).toEqual([{ number: 0, name: "worker_preparation" }]);
    expect(await masters.rows("select name, value from build_properties")).toEqual([{ name: "worker", value: '"w3"' }]);
    const { stepid } = await one.updates.steps.begin({ buildid: first.buildid, name: "shell" });
    await one.updates.logs.add({ stepid, name: "stdio", type: "s" });
    const next = await one.updates.builds.create({ buildrequestid: first.buildrequestid, workerid: first.workerid });
    expect(next).toMatchObject({ number: first.number + 1 });
    expect(await masters.value("select results from builds where id = ?", [first.buildid])).toBe(Results.RETRY);
    expect(await masters.value("select results from steps where id = ?", [stepid])).toBe(Results.RETRY);
    expect(await masters.value("select complete from logs")).toBe(1);
  });

  it("a build that could not be written to its end is ended when its request is released", async () => {
    const { buildid, buildrequestid } = await runningBuild(one);
    const { stepid } = await one.updates.steps.begin({ buildid, name: "shell" });
    await one.updates.buildrequests.release([buildrequestid]);
    expect(await masters.value("select results from builds where complete_at is not null")).toBe(Results.RETRY);
    expect(await masters.value("select results from steps where id = ?", [stepid])).toBe(Results.RETRY);
    expect(await two.updates.buildrequests.claim([buildrequestid])).toEqual([buildrequestid]);
    expect((await auditDatabase(masters.database)).findings).toEqual([]);
  });

  it("a finished build ends its request and buildset, in this order of events", async () => {
    const { buildid, buildrequestid, number } = await runningBuild(one);
    await masters.takeTopics();
    await one.updates.builds.finish(buildid, finish(Results.FAILURE));
    expect(await requestRow(buildrequestid)).toEqual({ complete: 1, results: Results.FAILURE });
    expect(await masters.value("select results from buildsets")).toBe(Results.FAILURE);
    const request = `buildrequests.${buildrequestid}`;
    expect(await masters.takeTopics()).toEqual([
      `builders.1.builds.${number}.finished`,
      `builds.${buildid}.finished`,
      `workers.1.builds.${buildid}.finished`,
      `buildsets.1.builders.1.${request}.complete`,
      `${request}.complete`,
      `builders.1.${request}.complete`,
      "buildsets.1.complete",
    ]);
  });

  it("a build is not ended by a master that does not run it", async () => {
    const { buildid, buildrequestid } = await runningBuild(one);
    await masters.takeTopics();
    await two.updates.builds.finish(buildid, finish(Results.SUCCESS));
    await two.updates.builds.finish(buildid, finish(Results.RETRY));
    expect(await masters.takeTopics()).toEqual([]);
    expect(await masters.rows("select results, complete_at from builds")).toEqual([
      { results: null, complete_at: null },
    ]);
    expect(await one.updates.buildrequests.claimedByMe([buildrequestid])).toEqual([buildrequestid]);
  });

  it("a request that has ended is not ended again by one that saw it open", async () => {
    const id = await claimedRequest(one);
    const end = (results: Result) =>
      one.database.transaction((tx) => transition(tx, (t) => endRequest(t, { id, cancelled: false }, results)));
    const bsid = await masters.value("select buildsetid from buildrequests where id = ?", [id]);
    expect((await end(Results.FAILURE)).outcomes).toMatchObject({
      completedRequests: [id],
      completedBuildsets: [bsid],
    });
    expect((await end(Results.SUCCESS)).outcomes).toEqual(noOutcomes());
    expect(await requestRow(id)).toMatchObject({ complete: 1, results: 2 });
  });

  it("a build that has ended is not ended again", async () => {
    const { buildid } = await runningBuild(one);
    await one.updates.builds.finish(buildid, finish(Results.SUCCESS));
    await masters.takeTopics();
    await one.updates.builds.finish(buildid, finish(Results.FAILURE));
    await one.updates.builds.setState(buildid, "late");
    await one.updates.builds.setProperties(buildid, { late: [1, "x"] });
    expect(await masters.takeTopics()).toEqual([]);
    expect(await masters.rows("select results, state_string from builds")).toEqual([
      { results: 0, state_string: "done" },
    ]);
    expect(await masters.value("select count(*) as n from build_properties")).toBe(0);
  });

  it("RETRY frees the request for any engine, and its next build has the next number", async () => {
    const { buildid, buildrequestid, workerid } = await runningBuild(one);
    await masters.takeTopics();
    await one.updates.builds.finish(buildid, finish(Results.RETRY));
    expect(await masters.takeTopics(/^build(s|requests)\./)).toEqual([
      `builds.${buildid}.finished`,
      `buildrequests.${buildrequestid}.unclaimed`,
    ]);
    expect(await two.updates.buildrequests.claim([buildrequestid])).toEqual([buildrequestid]);
    expect(await two.updates.builds.create({ buildrequestid, workerid })).toMatchObject({ number: 2 });
  });

  it("the last of 50 requests, ended by four masters at the same time, completes the buildset once with the worst result", async () => {
    const members = [one, two, await masters.join(), await masters.join()];
    const names = Array.from({ length: 50 }, (_, i) => `b${i}`);
    const { bsid, requests } = await one.updates.buildsets.add(buildsetFor(...names));
    const workerid = await aWorker(one);
    const builds = await Promise.all(
      Object.values(requests).map(async (buildrequestid, i) => {
        const member = members[i % 4] as Member;
        await member.updates.buildrequests.claim([buildrequestid]);
        const build = await member.updates.builds.create({ buildrequestid, workerid });
        return { member, buildid: build === "lost" ? 0 : build.buildid };
      }),
    );
    await masters.takeTopics();
    const results = [Results.SUCCESS, Results.WARNINGS, Results.SKIPPED, Results.FAILURE];
    await Promise.all(
      builds.map(({ member, buildid }, i) => member.updates.builds.finish(buildid, finish(results[i % 4] as number))),
    );
    const completions = await masters.takeTopics(/^buildsets\.\d+\.complete$/);
    expect(completions).toEqual([`buildsets.${bsid}.complete`]);
    expect(await masters.rows("select complete, results from buildsets")).toEqual([
      { complete: 1, results: Results.FAILURE },
    ]);
    expect(await masters.value("select count(*) as n from buildrequests where complete <> 1")).toBe(0);
  });

  it("a buildset without builders succeeds immediately; one without source stamps is refused", async () => {
    const { bsid } = await one.updates.buildsets.add(buildsetFor());
    expect(await masters.rows("select complete, results from buildsets")).toEqual([{ complete: 1, results: 0 }]);
    expect(await masters.takeTopics()).toEqual([`buildsets.${bsid}.new`, `buildsets.${bsid}.complete`]);
    await expect(one.updates.buildsets.add({ ...buildsetFor("a"), sourceStamps: [] })).rejects.toThrow(
      "at least one source stamp",
    );
    await expect(one.updates.buildsets.add({ ...buildsetFor("a"), sourceStamps: [77] })).rejects.toThrow(
      "no source stamp 77",
    );
  });

  it("a buildset whose end was forgotten is completed later, once", async () => {
    const { bsid, requests } = await one.updates.buildsets.add(buildsetFor("a"));
    await execute(masters.database, "update buildrequests set complete = 1, results = 2 where id = ?", [
      Object.values(requests)[0],
    ]);
    await masters.takeTopics();
    await Promise.all([one.updates.buildsets.completeFinished(), two.updates.buildsets.completeFinished()]);
    expect(await masters.takeTopics()).toEqual([`buildsets.${bsid}.complete`]);
    expect(await masters.value("select results from buildsets")).toBe(Results.FAILURE);
  });

  it("a rebuild asks for the same again and points to the first build of the chain", async () => {
    const { buildid } = await runningBuild(one);
    await execute(masters.database, "insert into buildset_properties values (1, 'p', '[1, \"Scheduler\"]')");
    await one.updates.builds.finish(buildid, finish(Results.FAILURE));
    await masters.takeTopics();
    const first = await two.updates.builds.rebuild(buildid);
    if (first === "unknown") throw new Error("no rebuild");
    await two.updates.close();
    expect(masters.messages[0]?.payload).toMatchObject({
      scheduler: "rebuild",
      reason: "rebuild",
      rebuilt_buildid: buildid,
    });
    const ids = Object.values(first.requests);
    await one.updates.buildrequests.claim(ids);
    const build = await one.updates.builds.create({ buildrequestid: ids[0] as number, workerid: await aWorker(one) });
    if (build === "lost") throw new Error("not created");
    const second = await one.updates.builds.rebuild(build.buildid);
    expect(second).not.toBe("unknown");
    const sets = await masters.rows<{ rebuilt_buildid: number }>("select rebuilt_buildid from buildsets order by id");
    expect(sets.map((row) => row.rebuilt_buildid)).toEqual([null, buildid, buildid]);
    expect((await one.updates.buildrequests.details(ids[0] as number))?.properties).toEqual({ p: [1, "Scheduler"] });
    expect(await one.updates.builds.rebuild(999)).toBe("unknown");
  });

  it("properties are replaced by name, and only the given ones are published", async () => {
    const { buildid } = await runningBuild(one);
    await one.updates.builds.setProperties(buildid, { a: [1, "Build"], b: ["é", "Build"] });
    await masters.takeTopics();
    await one.updates.builds.setProperties(buildid, { a: [{ x: [null] }, "Step"] });
    await one.updates.close();
    expect(masters.messages).toEqual([
      { topic: `builds.${buildid}.properties.update`, payload: { a: [{ x: [null] }, "Step"] } },
    ]);
    expect(await masters.rows("select name, value, source from build_properties order by name")).toEqual([
      { name: "a", value: '{"x": [null]}', source: "Step" },
      { name: "b", value: '"\\u00e9"', source: "Build" },
    ]);
  });

  it("a stop is requested from the master that runs the build, in a row and in Buildbot's message", async () => {
    const { buildid } = await runningBuild(one);
    await masters.takeTopics();
    expect(await two.updates.builds.requestStop(buildid, "enough")).toBe("stopping");
    await two.updates.close();
    expect(masters.messages).toEqual([
      { topic: `control.builds.${buildid}.stop`, payload: { reason: "enough", results: Results.CANCELLED } },
    ]);
    expect(await one.updates.builds.stopRequests([buildid, 99])).toEqual([
      { buildid, reason: "enough", results: Results.CANCELLED, isRepeated: false },
    ]);
    await one.updates.builds.finish(buildid, finish(Results.CANCELLED));
    expect(await one.updates.builds.stopRequests([buildid])).toEqual([]);
    expect(await two.updates.builds.requestStop(buildid, "enough")).toBe("complete");
    expect(await two.updates.builds.requestStop(999, "enough")).toBe("unknown");
  });

  it("steps are numbered, get unique names, and publish their state", async () => {
    const { buildid } = await runningBuild(one);
    await masters.takeTopics();
    const long = "x".repeat(60);
    const added = [];
    for (const name of ["shell", "shell", "shell", long, long]) {
      const step = await one.updates.steps.begin({ buildid, name });
      // As after a lost answer: the step has not ended, so it is the same one.
      expect(await one.updates.steps.begin({ buildid, name })).toEqual(step);
      await one.updates.steps.finish(step.stepid, { results: Results.SKIPPED, state: "skipped", hidden: false });
      added.push(step);
    }
    expect(added.map((step) => [step.number, step.name])).toEqual([
      [0, "shell"],
      [1, "shell_1"],
      [2, "shell_2"],
      [3, "x".repeat(50)],
      [4, `${"x".repeat(48)}_1`],
    ]);
    await masters.takeTopics();
    const { stepid } = await one.updates.steps.begin({ buildid, name: "last" });
    await one.updates.steps.setState(stepid, "running");
    await one.updates.steps.addUrl(stepid, "docs", "https://example.org");
    await one.updates.steps.addUrl(stepid, "docs", "https://example.org");
    await one.updates.steps.finish(stepid, { results: 0, state: "done", hidden: true });
    await one.updates.steps.finish(stepid, { results: 2, state: "again", hidden: false });
    expect(await masters.takeTopics(/^steps/)).toEqual(
      ["new", "started", "updated", "updated", "finished"].map((e) => `steps.${stepid}.${e}`),
    );
    const [row] = await masters.rows(
      "select results, state_string, urls_json, hidden, started_at, locks_acquired_at from steps where id = ?",
      [stepid],
    );
    expect(row).toMatchObject({
      results: 0,
      state_string: "done",
      hidden: 1,
      urls_json: '[{"name": "docs", "url": "https://example.org"}]',
    });
    expect(row?.["started_at"]).toBe(row?.["locks_acquired_at"]);
    await expect(two.updates.steps.begin({ buildid, name: "foreign" })).rejects.toThrow("does not run on this master");
  });
});
