import { Results } from "@multimaster/core";
import { queryRows } from "@multimaster/database";
import { beforeAll, describe, expect, it } from "vitest";
import { aWorker, buildsetFor, type Member, startMasters, type TestMasters } from "../../harness/masters-with-data.ts";
import { type Engine, engines } from "../../harness/test-databases.ts";
import { waitFor } from "../../harness/wait-for.ts";

/** What may happen to a request that is being cancelled; each is one transaction of one master. */
type Act =
  | "cancel"
  | "stop build"
  | "claim on two"
  | "release on one"
  | "build on one"
  | "success on one"
  | "retry on one";

/** Where the request stands before, and what then meets: every order of it is tried. */
const meetings: [standing: "pending" | "claimed" | "running", acts: Act[]][] = [
  ["pending", ["cancel", "claim on two"]],
  ["claimed", ["cancel", "build on one", "claim on two"]],
  ["claimed", ["cancel", "release on one", "claim on two"]],
  ["running", ["cancel", "success on one", "claim on two"]],
  ["running", ["cancel", "retry on one", "claim on two"]],
  ["running", ["cancel", "stop build", "success on one"]],
];

const cases = meetings.flatMap(([standing, acts]) =>
  permutations(acts).map((order) => [standing, order.join(", then "), order] as const),
);

describe.each(engines)("cancelling on %s", (engine) => {
  let race: Race;
  beforeAll(async () => {
    race = await prepare(engine);
  });

  it.each(cases)("a %s request: %s", async (standing, _order, acts) => {
    await race.run(standing, acts, "one after the other");
    await race.run(standing, acts, "queued");
  });
});

interface Race {
  run(
    standing: "pending" | "claimed" | "running",
    acts: readonly Act[],
    how: "one after the other" | "queued",
  ): Promise<void>;
}

async function prepare(engine: Engine): Promise<Race> {
  const masters = await startMasters(engine);
  const [one, two, ui] = [await masters.join(), await masters.join(), await masters.join()];
  const workerid = await aWorker(one);
  const create = (member: Member, buildrequestid: number) => member.updates.builds.create({ buildrequestid, workerid });

  return {
    async run(standing, acts, how) {
      await masters.takeTopics();
      const id = Object.values((await ui.updates.buildsets.add(buildsetFor("a"))).requests)[0] as number;
      if (standing !== "pending") await one.updates.buildrequests.claim([id]);
      const build = standing === "running" ? await create(one, id) : undefined;
      const buildid = typeof build === "object" ? build.buildid : 0;
      const perform: Record<Act, () => Promise<unknown>> = {
        cancel: () => ui.updates.buildrequests.cancel(id, "race"),
        "stop build": () => ui.updates.builds.requestStop(buildid, "race"),
        "claim on two": () => two.updates.buildrequests.claim([id]),
        "release on one": () => one.updates.buildrequests.release([id]),
        "build on one": () => create(one, id),
        "success on one": () => one.updates.builds.finish(buildid, { results: Results.SUCCESS, state: "done" }),
        "retry on one": () => one.updates.builds.finish(buildid, { results: Results.RETRY, state: "worker lost" }),
      };
      const answers =
        how === "queued"
          ? await queue(
              masters,
              id,
              acts.map((act) => perform[act]),
            )
          : await inTurn(acts.map((act) => perform[act]));
      const answer = answers[acts.indexOf("cancel")];

      await workToTheEnd(masters, [one, two], id, create);
      await expectOneEnd(masters, id, answer);
    },
  };
}

async function inTurn(acts: readonly (() => Promise<unknown>)[]): Promise<unknown[]> {
  const answers: unknown[] = [];
  for (const act of acts) answers.push(await act());
  return answers;
}

/** Lets all of them wait, in order, for the request's row, and then go together. */
async function queue(masters: TestMasters, id: number, acts: readonly (() => Promise<unknown>)[]): Promise<unknown[]> {
  const { database } = masters;
  let release = () => {};
  const released = new Promise<void>((resolve) => (release = resolve));
  let locked = () => {};
  const isLocked = new Promise<void>((resolve) => (locked = resolve));
  const holding = database.transaction(async (tx) => {
    await queryRows(tx, `select id from buildrequests where id = ?${tx.dialect.noKeyUpdateLock}`, [id]);
    locked();
    await released;
  });
  await isLocked;
  const settled = new Set<number>();
  const running = acts.map(() => Promise.resolve<unknown>(undefined));
  for (const [i, act] of acts.entries()) {
    running[i] = act().finally(() => settled.add(i));
    // On SQLite they wait, in order, for the only connection.
    if (database.dialect.name === "postgresql")
      await waitFor(async () => (await waiting(masters)) + settled.size > i, { what: "it to wait", intervalMs: 2 });
  }
  release();
  await holding;
  return Promise.all(running);
}

async function waiting({ rows }: TestMasters): Promise<number> {
  return (await rows("select 1 from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()"))
    .length;
}

/** What engines do: the one that has the request builds it, stops what is to be stopped, and ends it. */
async function workToTheEnd(
  { rows }: TestMasters,
  members: readonly Member[],
  id: number,
  create: (member: Member, id: number) => Promise<unknown>,
): Promise<void> {
  const [{ builderid } = { builderid: 0 }] = await rows<{ builderid: number }>(
    "select builderid from buildrequests where id = ?",
    [id],
  );
  for (let round = 0; round < 5; round++) {
    for (const { updates, lease } of members) {
      if ((await updates.buildrequests.pending([builderid], 10)).length > 0) await updates.buildrequests.claim([id]);
      const running = () =>
        rows<{ id: number }>(
          "select id from builds where buildrequestid = ? and masterid = ? and complete_at is null",
          [id, lease.masterid],
        );
      if ((await updates.buildrequests.claimedByMe([id])).length > 0 && (await running()).length === 0)
        await create(members.find((member) => member.lease === lease) as Member, id);
      for (const build of await running()) {
        const [wish] = await updates.builds.stopRequests([build.id]);
        await updates.builds.finish(build.id, { results: wish?.results ?? Results.SUCCESS, state: "over" });
      }
    }
  }
}

async function expectOneEnd(masters: TestMasters, id: number, answer: unknown): Promise<void> {
  const completions = await masters.takeTopics(new RegExp(`^buildrequests\\.${id}\\.complete$`));
  expect(completions).toHaveLength(1);
  const [request] = await masters.rows<{ complete: number; results: number }>(
    "select complete, results from buildrequests where id = ?",
    [id],
  );
  expect(request?.complete).toBe(1);
  const builds = await masters.rows<{ results: number | null }>(
    "select results from builds where buildrequestid = ? order by id",
    [id],
  );
  const successes = builds.filter((build) => build.results === Results.SUCCESS).length;
  expect(builds.filter((build) => build.results === null)).toEqual([]);
  expect(successes).toBe(request?.results === Results.SUCCESS ? 1 : 0);
  // The answers "cancelled" and "too late" were true.
  if (answer === "cancelled") expect(request?.results).toBe(Results.CANCELLED);
  else if (answer === "complete") expect(request?.results).not.toBe(Results.RETRY);
  else expect(answer).toBe("stopping");
  expect(await masters.value("select count(*) as n from buildsets where complete = 0")).toBe(0);
  for (const table of ["mm_cancellations", "mm_stop_requests"])
    expect(await masters.value(`select count(*) as n from ${table}`)).toBe(0);
}

function permutations<T>(items: readonly T[]): T[][] {
  if (items.length < 2) return [[...items]];
  return items.flatMap((item, i) => permutations(items.toSpliced(i, 1)).map((rest) => [item, ...rest]));
}
