import { beforeEach, describe, expect, it } from "vitest";
import { exclusiveUse as use } from "../../harness/lock-use.ts";
import {
  buildsetFor,
  type Member,
  runningBuild,
  startMasters,
  type TestMasters,
} from "../../harness/masters-with-data.ts";
import { engines } from "../../harness/test-databases.ts";

describe.each(engines)("an event of a lock, on %s", (engine) => {
  let masters: TestMasters;
  let member: Member;

  beforeEach(async () => {
    masters = await startMasters(engine);
    member = await masters.join();
  });

  const submit = async () => {
    const { requests } = await member.updates.buildsets.add(buildsetFor("runtests"));
    return Object.values(requests)[0] as number;
  };
  const topicsOfLocks = () => masters.takeTopics(/^locks/);

  it("is sent when a request begins to wait for it, and not while it goes on waiting", async () => {
    const [holder, waiter] = [await submit(), await submit()];
    const ask = (buildrequestid: number) => member.updates.locks.claim([{ buildrequestid, uses: [use("db")] }]);
    await ask(holder);
    await masters.takeTopics();
    await ask(waiter);
    expect(await topicsOfLocks()).toEqual(["locks.1.updated"]);
    await ask(waiter);
    expect(await topicsOfLocks()).toEqual([]);
    await member.updates.locks.withdraw([{ buildrequestid: waiter, stepid: 0 }]);
    expect(await topicsOfLocks()).toEqual(["locks.1.released"]);
  });

  it("is sent when a step takes it, begins to wait for it and is given it", async () => {
    const steps = [await aStep(), await aStep()] as const;
    const ask = async (i: 0 | 1, hasWaited: boolean) => {
      const [answer] = await member.updates.locks.takeForSteps([{ ...steps[i], uses: [use("db")], hasWaited }]);
      return answer?.kind === "taken" ? answer.locks.map(({ holdid }) => holdid) : [];
    };
    await masters.takeTopics();
    const held = await ask(0, false);
    expect(await topicsOfLocks()).toEqual(["locks.1.updated"]);
    await ask(1, false);
    expect(await topicsOfLocks()).toEqual(["locks.1.updated"]);
    await ask(1, true);
    expect(await topicsOfLocks()).toEqual([]);
    await member.updates.locks.release(held);
    expect(await topicsOfLocks()).toEqual(["locks.1.released"]);
    expect(await ask(1, true)).toHaveLength(1);
    expect(await topicsOfLocks()).toEqual(["locks.1.updated"]);
  });

  async function aStep() {
    const { buildid, buildrequestid } = await runningBuild(member);
    const { stepid } = await member.updates.steps.begin({ buildid, name: "work" });
    return { buildrequestid, stepid };
  }
});
