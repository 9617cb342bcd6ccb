import type { LockUse } from "@multimaster/data";
import { execute } from "@multimaster/database";
import { beforeEach, describe, expect, it } from "vitest";
import { exclusiveUse as use } from "../../harness/lock-use.ts";
import { aWorker, buildsetFor, type Member, startMasters, type TestMasters } from "../../harness/masters-with-data.ts";
import { engines } from "../../harness/test-databases.ts";

const point = { step: 0, standing: { results: 0, halted: false }, texts: [], hash: "h" };

describe.each(engines)("the locks of a build whose engine or worker was lost, on %s", (engine) => {
  let masters: TestMasters;
  let one: Member;
  let heir: Member;

  beforeEach(async () => {
    masters = await startMasters(engine);
    await execute(masters.database, "update mm_data_version set version = 2");
    one = await masters.join();
    heir = await masters.join();
  });

  const submit = async () => {
    const { requests } = await one.updates.buildsets.add(buildsetFor("runtests"));
    return Object.values(requests)[0] as number;
  };
  const claim = async (member: Member, buildrequestid: number, ...uses: LockUse[]) =>
    (await member.updates.locks.claim([{ buildrequestid, uses }]))[0];
  const kindOf = async (member: Member, buildrequestid: number, ...uses: LockUse[]) =>
    (await claim(member, buildrequestid, ...uses))?.kind;

  /** A build with locks in the middle of a command. */
  const begin = async (member: Member, uses: LockUse[], commandId = "c1", resume = false) => {
    const buildrequestid = await submit();
    const answer = await claim(member, buildrequestid, ...uses);
    const workerid = await aWorker(member);
    const build = await member.updates.builds.create({ buildrequestid, workerid });
    if (build === "lost") throw new Error("the build was not created");
    const { stepid } = await member.updates.steps.begin({ buildid: build.buildid, name: "work" });
    const { buildid } = build;
    await member.updates.commands.record({
      ...{ commandId, workerid, buildid, stepid, name: "shell" },
      ...(resume ? { resume: { adoptWithinMs: 60_000, point } } : {}),
    });
    const holdids = answer?.kind === "taken" ? answer.locks.map(({ holdid }) => holdid) : [];
    return { buildrequestid, buildid, stepid, holdids };
  };
  const retry = { results: 5, state: "lost" } as const;

  it("stay taken after an eviction until the worker attaches again, for its own request too", async () => {
    const { buildrequestid, holdids } = await begin(one, [use("db")]);
    const other = await submit();
    await masters.evict(one);
    expect(await kindOf(heir, other, use("db"))).toBe("waits");
    await heir.updates.locks.withdraw([{ buildrequestid: other, stepid: 0 }]);
    expect(await kindOf(heir, buildrequestid, use("db"))).toBe("waits");
    await heir.updates.locks.release(holdids);
    expect(await kindOf(heir, other, use("db"))).toBe("waits");
    await masters.takeTopics();
    await heir.updates.commands.forgetLost(["c1"]);
    expect(await masters.takeTopics(/^locks/)).toEqual(["locks.1.released"]);
    expect(await kindOf(heir, buildrequestid, use("db"))).toBe("taken");
    expect(await kindOf(heir, other, use("db"))).toBe("waits");
  });

  it("leave room for the next build of the request, which has holds of its own", async () => {
    const cache = use("cache", { exclusive: false, max: 2 });
    const { buildrequestid } = await begin(one, [cache]);
    const [second, third] = [await submit(), await submit()];
    await masters.evict(one);
    const again = await claim(heir, buildrequestid, cache);
    expect(again?.kind).toBe("taken");
    expect(await kindOf(heir, second, cache)).toBe("waits");
    await heir.updates.commands.forgetLost(["c1"]);
    expect(await kindOf(heir, second, cache)).toBe("taken");
    expect(await kindOf(heir, third, cache)).toBe("waits");
    await heir.updates.locks.release(again?.kind === "taken" ? again.locks.map(({ holdid }) => holdid) : []);
    await heir.updates.buildrequests.release([buildrequestid]);
    expect(await kindOf(heir, third, cache)).toBe("taken");
  });

  it("stay taken when a running engine has lost the worker, and are not those of the next build here", async () => {
    const { buildrequestid, buildid, stepid, holdids } = await begin(one, [use("db")]);
    await one.updates.steps.finish(stepid, { ...retry, hidden: false });
    await one.updates.builds.finish(buildid, retry);
    expect(await kindOf(one, buildrequestid, use("db"))).toBe("waits");
    await one.updates.locks.release(holdids);
    expect(await kindOf(one, buildrequestid, use("db"))).toBe("waits");
    await one.updates.commands.forgetLost(["c1"]);
    expect(await kindOf(one, buildrequestid, use("db"))).toBe("taken");
  });

  it("are free after a time if no one hears of the worker, and not before", async () => {
    const { buildid } = await begin(one, [use("db", { keepMs: 5000 })]);
    await begin(one, [use("other")], "c2");
    const other = await submit();
    await masters.evict(one);
    await heir.updates.locks.freeLost();
    expect(await kindOf(heir, other, use("db"))).toBe("waits");
    await execute(masters.database, "update builds set complete_at = complete_at - 6 where id = ?", [buildid]);
    await heir.updates.locks.freeLost();
    expect(await kindOf(heir, other, use("db"))).toBe("taken");
    expect(await kindOf(heir, await submit(), use("other"))).toBe("waits");
  });

  it("go with the build to the engine that adopts it, and end with it there", async () => {
    const { buildrequestid, buildid, stepid } = await begin(one, [use("db")], "c1", true);
    const wish = { buildrequestid, stepid, uses: [use("port")], hasWaited: false };
    const [step] = await one.updates.locks.takeForSteps([wish]);
    const other = await submit();
    await masters.evict(one);
    for (const name of ["db", "port"]) expect(await kindOf(heir, other, use(name)), name).toBe("waits");
    const adopted = await heir.updates.builds.adopt(buildid);
    if (adopted === "lost") throw new Error("the build was not adopted");
    expect(adopted.holdids).toHaveLength(1);
    // The step is run again from its start.
    expect(await heir.updates.locks.takeForSteps([wish])).toEqual([step]);
    for (const name of ["db", "port"]) expect(await kindOf(heir, other, use(name)), name).toBe("waits");
    await heir.updates.commands.forget(["c1"]);
    await heir.updates.steps.finish(stepid, { results: 0, state: "done", hidden: false });
    await heir.updates.builds.finish(buildid, { results: 0, state: "build successful" });
    await heir.updates.locks.release(adopted.holdids);
    expect(await kindOf(heir, other, use("db"), use("port"))).toBe("taken");
  });

  it("stay taken when no engine adopts the build, until its worker is back", async () => {
    const { buildid } = await begin(one, [use("db")], "c1", true);
    const other = await submit();
    await masters.evict(one);
    await heir.updates.builds.giveUp([buildid]);
    expect(await kindOf(heir, other, use("db"))).toBe("waits");
    await heir.updates.commands.forgetLost(["c1"]);
    expect(await kindOf(heir, other, use("db"))).toBe("taken");
  });

  it("are forgotten when no one has asked for them since a week, and none that is taken", async () => {
    const { buildid, holdids } = await begin(one, [use("db"), use("old")]);
    await one.updates.commands.forget(["c1"]);
    await one.updates.builds.finish(buildid, { results: 0, state: "build successful" });
    await one.updates.locks.release(holdids);
    expect(await kindOf(one, await submit(), use("db"))).toBe("taken");
    const names = () => masters.rows("select name from mm_locks order by name");
    await one.updates.locks.prune();
    expect(await names()).toEqual([{ name: "db" }, { name: "old" }]);
    await execute(masters.database, "update mm_locks set asked_at = asked_at - 700000");
    await one.updates.locks.prune();
    expect(await names()).toEqual([{ name: "db" }]);
    // Asking for it makes its row again.
    expect(await kindOf(one, await submit(), use("old"))).toBe("taken");
  });
});
