import { execute } from "@multimaster/database";
import { beforeEach, describe, expect, it } from "vitest";
import { type Member, runningBuild, startMasters, type TestMasters } from "../../harness/masters-with-data.ts";
import { engines } from "../../harness/test-databases.ts";

const point = { step: 1, standing: { results: 0, halted: false }, texts: [], hash: "h" };

describe.each(engines)("a build whose engine was evicted, on %s", (engine) => {
  let masters: TestMasters;
  let dead: Member;
  let heir: Member;
  let build: { buildid: number; buildrequestid: number; workerid: number };
  let stepid: number;

  beforeEach(async () => {
    masters = await startMasters(engine);
    await execute(masters.database, "update mm_data_version set version = 2");
    dead = await masters.join();
    heir = await masters.join();
    await dead.updates.builders.configure([
      { name: "runtests", description: null, tags: [], project: null, workers: ["w1"] },
    ]);
    build = await runningBuild(dead);
    ({ stepid } = await dead.updates.steps.begin({ buildid: build.buildid, name: "work" }));
  });

  const record = (adoptWithinMs = 60_000, commandId = "c1") =>
    dead.updates.commands.record({
      commandId,
      workerid: build.workerid,
      buildid: build.buildid,
      stepid,
      name: "shell",
      resume: { adoptWithinMs, point },
    });
  const stateOfBuild = () =>
    masters.rows(
      `select b.results, b.masterid, c.masterid as claimed_by, r.complete from builds b
         join buildrequests r on r.id = b.buildrequestid left join buildrequest_claims c on c.brid = r.id where b.id = ?`,
      [build.buildid],
    );
  const running = (of: Member) => [
    { results: null, masterid: of.lease.masterid, claimed_by: of.lease.masterid, complete: 0 },
  ];
  const retried = () => [{ results: 5, masterid: dead.lease.masterid, claimed_by: null, complete: 0 }];

  it("waits, and goes on at the master that adopts it, with its log where it was", async () => {
    await record();
    const { logid } = await dead.updates.logs.add({ stepid, name: "stdio", type: "s" }, "oa\nob\n");
    await masters.evict(dead);
    expect(await stateOfBuild()).toEqual(running(dead));
    expect(await heir.updates.buildrequests.pending([1], 10)).toEqual([]);
    expect(await heir.updates.commands.ofWorker(build.workerid)).toEqual([
      {
        workerid: build.workerid,
        commandId: "c1",
        buildid: build.buildid,
        builderid: 1,
        resumePoint: JSON.stringify(point),
      },
    ]);
    expect(await heir.updates.builds.adopt(build.buildid)).toMatchObject({
      buildid: build.buildid,
      buildrequestid: build.buildrequestid,
      commandId: "c1",
      stepid,
      stepName: "work",
      logs: [{ logid, name: "stdio", lines: 2 }],
    });
    expect(await stateOfBuild()).toEqual(running(heir));
    await heir.updates.logs.append(logid, 2, "oc\n");
    await heir.updates.builds.finish(build.buildid, { results: 0, state: "build successful" });
    expect(await masters.value("select results from buildrequests where id = ?", [build.buildrequestid])).toBe(0);
  });

  it("is adopted by one master only", async () => {
    await record();
    await masters.evict(dead);
    await execute(masters.database, "update mm_request_losses set worker_losses = 2");
    const other = await masters.join();
    const outcomes = await Promise.all([heir, other].map(({ updates }) => updates.builds.adopt(build.buildid)));
    expect(outcomes.filter((outcome) => outcome === "lost")).toHaveLength(1);
    // Whether one more loss would end the request: then its engine begins no other such build beside it.
    const [adopted] = outcomes.filter((outcome) => outcome !== "lost");
    expect(adopted?.losses).toEqual({ engineDeaths: 1, workerLosses: 2, waitedFor: 0 });
  });

  it("is left again when the master that adopted it dies", async () => {
    await record();
    await masters.evict(dead);
    await heir.updates.builds.adopt(build.buildid);
    await masters.evict(heir);
    expect(await stateOfBuild()).toEqual(running(heir));
    const third = await masters.join();
    expect(await third.updates.builds.adopt(build.buildid)).toMatchObject({ commandId: "c1" });
    expect(await stateOfBuild()).toEqual(running(third));
  });

  it("is run again when no master adopts it in time", async () => {
    await record(0);
    await masters.evict(dead);
    await Promise.all([heir.updates.builds.endUnadopted(), dead.updates.builds.endUnadopted()]);
    expect(await stateOfBuild()).toEqual(retried());
    expect(await heir.updates.builds.adopt(build.buildid)).toBe("lost");
    expect(await heir.updates.buildrequests.pending([1], 10)).toHaveLength(1);
    expect(await masters.value("select results from steps where id = ?", [stepid])).toBe(5);
  });

  it("is run again immediately when its worker is back and cannot go on", async () => {
    await record();
    await masters.evict(dead);
    await heir.updates.builds.giveUp([build.buildid]);
    expect(await stateOfBuild()).toEqual(retried());
  });

  it.each(["before its engine was lost", "while it waited"])(
    "that was stopped %s says why, and that its clean-up did not run",
    async (when) => {
      const stateOf = async () =>
        (await masters.rows("select state_string from builds where id = ?", [build.buildid]))[0];
      await record(0);
      const stop = (by: Member) => by.updates.builds.requestStop(build.buildid, "by alice: not needed");
      if (when !== "while it waited") await stop(dead);
      await masters.evict(dead);
      if (when === "while it waited") await stop(heir);
      await heir.updates.builds.endUnadopted();
      expect(await stateOf()).toEqual({
        state_string: expect.stringMatching(
          /^cancelled \(by alice: not needed\); master \S+ was lost first: what was left of its clean-up did not run$/,
        ),
      });
      const [step] = await masters.rows("select results, state_string from steps where id = ?", [stepid]);
      expect(step).toEqual({
        results: 6,
        state_string: expect.stringMatching(/^master \S+ was lost while this step ran$/),
      });
    },
  );

  it("ends as cancelled when someone cancels it while it waits", async () => {
    await record(0);
    await masters.evict(dead);
    await heir.updates.builds.requestStop(build.buildid, "not needed");
    await heir.updates.builds.endUnadopted();
    expect(await stateOfBuild()).toMatchObject([{ results: 6, complete: 1 }]);
  });

  it("is run again when its step has no command that goes on", async () => {
    await masters.evict(dead);
    expect(await stateOfBuild()).toEqual(retried());
  });

  it("is run again when its step has a second command", async () => {
    await record();
    await record(60_000, "c2");
    await masters.evict(dead);
    expect(await stateOfBuild()).toEqual(retried());
  });

  it("is run again while masters run that would misread its claim", async () => {
    await record();
    await execute(masters.database, "update mm_data_version set version = 1");
    await masters.evict(dead);
    expect(await stateOfBuild()).toEqual(retried());
  });

  it("does not end with the next incarnation of its master, nor is it taken for a stray of it", async () => {
    await record();
    await masters.evict(dead);
    expect(await dead.updates.buildrequests.claimedByMe([build.buildrequestid])).toEqual([]);
    expect(await dead.updates.buildrequests.claimedByMeAfter(0, 10)).toEqual({ claimed: [], last: undefined });
  });
});
