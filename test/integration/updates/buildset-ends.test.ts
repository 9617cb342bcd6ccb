import { type Result, Results } from "@multimaster/core";
import { type Connection, type LockedRequest, lockRequest, queryRows } from "@multimaster/database";
import { endRequest, transition } from "@multimaster/lifecycle";
import { beforeAll, describe, expect, it } from "vitest";
import { aWorker, buildsetFor, type Member, startMasters, type TestMasters } from "../../harness/masters-with-data.ts";
import { engines } from "../../harness/test-databases.ts";
import { waitFor } from "../../harness/wait-for.ts";

const steps = ["lock", "end", "commit"] as const;
/** Beginning with a, since both do the same. */
const interleavings = interleave(["a", "a"], ["b", "b", "b"]).map((rest) => ["a", ...rest]);

describe.each(engines)("the end of a buildset on %s", (engine) => {
  let masters: TestMasters;
  let members: Member[];
  beforeAll(async () => {
    masters = await startMasters(engine);
    members = [await masters.join(), await masters.join(), await masters.join()];
  });

  const add = async (count: number) => {
    const names = Array.from({ length: count }, (_, i) => `builder-${i}`);
    const { bsid, requests } = await (members[0] as Member).updates.buildsets.add(buildsetFor(...names));
    return { bsid, ids: Object.values(requests) };
  };
  const start = async (member: Member, id: number) => {
    await member.updates.buildrequests.claim([id]);
    const build = await member.updates.builds.create({ buildrequestid: id, workerid: await aWorker(member) });
    if (build === "lost") throw new Error("the build was not created");
    return build.buildid;
  };
  const finish = (member: Member, buildid: number, results: Result = Results.SUCCESS) =>
    member.updates.builds.finish(buildid, { results, state: "over" });
  const isComplete = async (bsid: number) =>
    (await masters.value("select complete from buildsets where id = ?", [bsid])) === 1;

  it("comes once, however builds, cancellations and the eviction of a master meet", async () => {
    for (let round = 0; round < 3; round++) {
      const dying = await masters.join();
      const owners = [...members, dying];
      const { bsid, ids } = await add(24);
      const builds = await Promise.all(ids.map((id, i) => start(owners[i % owners.length] as Member, id)));
      await masters.takeTopics();
      const ends = ids.map((id, i) => {
        const owner = owners[i % owners.length] as Member;
        if (owner === dying) {
          return i % 8 === 3 ? (members[0] as Member).updates.buildrequests.cancel(id, "race") : undefined;
        }
        return finish(owner, builds[i] as number, i === 5 ? Results.FAILURE : Results.SUCCESS);
      });
      await Promise.all([...ends, masters.evict(dying)]);
      // What the dead master has left is built by another one, or was cancelled.
      for (const id of ids) {
        const [open] = await masters.rows("select id from buildrequests where id = ? and complete = 0", [id]);
        if (open) await finish(members[1] as Member, await start(members[1] as Member, id));
      }
      expect(await isComplete(bsid)).toBe(true);
      expect(await masters.takeTopics(new RegExp(`^buildsets\\.${bsid}\\.complete$`))).toHaveLength(1);
    }
  });

  it.runIf(engine === "postgresql")("does not make builds of one buildset end one after the other", async () => {
    const [one, two] = members as [Member, Member];
    const { bsid, ids } = await add(3);
    const builds = await Promise.all(ids.map((id) => start(one, id)));
    const last = await two.database.transaction(async (tx) => {
      await queryRows(tx, "select id from buildsets where id = ? for no key update", [bsid]);
      await Promise.all(builds.slice(0, 2).map((build) => finish(one, build)));
      const ending = finish(one, builds[2] as number);
      await waitFor(async () => (await waiting(masters)) > 0, { what: "the last end to wait for the buildset" });
      return { ending };
    });
    await last.ending;
    expect(await isComplete(bsid)).toBe(true);
  });

  it.runIf(engine === "postgresql").each(interleavings.map((order) => [order.join(""), order] as const))(
    "is seen by one of two transactions whose steps meet as %s, with and without a third request",
    async (_name, order) => {
      for (const others of [0, 1]) {
        const { bsid, ids } = await add(2 + others);
        const completed = await meet(masters, members, ids, order);
        expect([others, await isComplete(bsid), completed.length]).toEqual([
          others,
          others === 0,
          others === 0 ? 1 : 0,
        ]);
        if (others === 0) continue;
        const end = await endIn(masters, ids[2] as number);
        expect(end).toEqual([bsid]);
      }
    },
  );
});

async function endIn({ database }: TestMasters, id: number): Promise<number[]> {
  return database.transaction(async (tx) => {
    const request = await lockRequest(tx, id);
    return endRequestIn(tx, request as LockedRequest);
  });
}

async function endRequestIn(tx: Connection, request: LockedRequest): Promise<number[]> {
  return (await transition(tx, (t) => endRequest(t, request, Results.SUCCESS))).outcomes.completedBuildsets;
}

/** Lets two transactions end a request each, one step after the other in this order; a step may have to wait. */
async function meet(
  masters: TestMasters,
  members: readonly Member[],
  ids: readonly number[],
  order: readonly string[],
): Promise<number[]> {
  const gates = new Map<string, { opens: Promise<void>; open: () => void }>();
  for (const who of ["a", "b"])
    for (const step of steps) {
      let open = () => {};
      const opens = new Promise<void>((resolve) => (open = resolve));
      gates.set(`${who} ${step}`, { opens, open });
    }
  const done = new Set<string>();
  const run = (who: string, member: Member, id: number) =>
    member.database
      .transaction(async (tx) => {
        const at = async <T>(step: (typeof steps)[number], act: () => Promise<T>) => {
          await gates.get(`${who} ${step}`)?.opens;
          const result = await act();
          done.add(`${who} ${step}`);
          return result;
        };
        const request = await at("lock", () => lockRequest(tx, id));
        const ended = await at("end", () => endRequestIn(tx, request as LockedRequest));
        await gates.get(`${who} commit`)?.opens;
        return ended;
      })
      .finally(() => done.add(`${who} commit`));
  const both = [run("a", members[0] as Member, ids[0] as number), run("b", members[1] as Member, ids[1] as number)];
  const taken = { a: 0, b: 0 };
  for (const who of order as ("a" | "b")[]) {
    const step = `${who} ${steps[taken[who]++]}`;
    gates.get(step)?.open();
    await waitFor(async () => done.has(step) || (await waiting(masters)) > 0, { what: step, intervalMs: 2 });
  }
  return (await Promise.all(both)).flat();
}

async function waiting({ rows }: TestMasters): Promise<number> {
  return (await rows("select 1 from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()"))
    .length;
}

function interleave(a: readonly string[], b: readonly string[]): string[][] {
  if (a.length === 0 || b.length === 0) return [[...a, ...b]];
  return [
    ...interleave(a.slice(1), b).map((rest) => [a[0] as string, ...rest]),
    ...interleave(a, b.slice(1)).map((rest) => [b[0] as string, ...rest]),
  ];
}
