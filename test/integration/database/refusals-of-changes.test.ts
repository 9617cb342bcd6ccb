import gitPoller from "@multimaster/plugins/change-sources/git-poller";
import { afterEach, describe, expect, it, vi } from "vitest";
import { DatabaseRefusals, refusals } from "../../harness/database-refusals.ts";
import { deliver, readChanges, startHookServer } from "../../harness/deliver-hook.ts";
import { createGitRepository } from "../../harness/git-repository.ts";
import { ghCommit, ghPush } from "../../harness/hook-payloads.ts";
import { isLong } from "../../harness/long-form.ts";
import { startSchedulerCluster } from "../../harness/scheduler-masters.ts";
import { type Engine, engines, newDatabase } from "../../harness/test-databases.ts";
import { waitFor } from "../../harness/wait-for.ts";

/** The statements that are refused: all of them, the one that stores a change, or the commit. */
const moments: readonly (readonly [what: string, statements: RegExp])[] = [
  ["everything", /./],
  ["the change's row", /insert into .?changes\b/i],
  ["the commit", /^commit/i],
];

/** At length each refusal meets each moment; in short, each of them one. */
const refusalsAt = (engine: Engine, moment: RegExp) => {
  const index = moments.findIndex(([, statements]) => statements === moment);
  return refusals[engine].filter((_, n) => isLong || n % moments.length === index);
};

describe.each(engines)("a database that refuses while changes come: %s", (engine) => {
  afterEach(() => void vi.restoreAllMocks());

  it.each(moments)(
    "a webhook gets the reason, and its redelivery stores each change once: %s",
    async (_what, statements) => {
      const ui = await startHookServer(await newDatabase(engine));
      const faults = new DatabaseRefusals(engine);
      const round = refusalsAt(engine, statements);
      const push = (n: number) => ({
        forge: "github" as const,
        event: "push",
        id: `delivery-${n}`,
        payload: ghPush({ commits: [ghCommit(`${n}a`), ghCommit(`${n}b`)] }),
      });
      faults.refuse(round, statements);
      for (const n of round.keys()) {
        const refused = await deliver(ui, push(n));
        expect(refused).toEqual({ status: 503, text: expect.stringMatching(/^The database /) });
      }
      expect(faults.met.size).toBe(round.length);
      faults.end();
      expect(await readChanges(ui)).toEqual([]);
      // A forge repeats what was refused, and sometimes what was not.
      for (const again of [1, 2])
        for (const n of round.keys()) expect([again, (await deliver(ui, push(n))).status]).toEqual([again, 202]);
      const expected = [...round.keys()].flatMap((n) => [ghCommit(`${n}a`).id, ghCommit(`${n}b`).id]);
      expect((await readChanges(ui)).map(({ revision }) => revision)).toEqual(expected);
    },
  );

  it("the same poller goes on by itself when the database accepts again", async () => {
    const repository = createGitRepository();
    const cluster = await startSchedulerCluster(engine);
    const only = await cluster.add({
      changeSources: [gitPoller({ name: "p", repository: repository.url, pollInterval: "1s" })],
    });
    await only.start();
    const state = () => cluster.rows("select 1 from object_state where name = 'lastRev'");
    await waitFor(async () => (await state()).length === 1, { what: "the first poll" });
    const faults = new DatabaseRefusals(engine);
    faults.refuse(refusals[engine].slice(0, 3));
    const commits = [repository.commit(), repository.commit()];
    await waitFor(() => faults.met.size === 3, { what: "polls to be refused", timeoutMs: 30_000 });
    faults.end();
    const stored = () => cluster.rows<{ revision: string }>("select revision from changes order by changeid");
    await waitFor(async () => (await stored()).length >= 2, { what: "both commits", timeoutMs: 60_000 });
    expect((await stored()).map(({ revision }) => revision)).toEqual(commits);
  });

  it.each(moments)("the next poller stores each commit once, in order: %s", async (_what, statements) => {
    const repository = createGitRepository();
    const cluster = await startSchedulerCluster(engine);
    const slice = { changeSources: [gitPoller({ name: "p", repository: repository.url, pollInterval: "1s" })] };
    const first = await cluster.add(slice);
    await first.start();
    const stored = () => cluster.rows<{ revision: string }>("select revision from changes order by changeid");
    const state = () => cluster.rows("select 1 from object_state where name = 'lastRev'");
    await waitFor(async () => (await state()).length === 1, { what: "the first poll" });

    const round = refusalsAt(engine, statements);
    const faults = new DatabaseRefusals(engine);
    faults.refuse(round, statements);
    const commits = [repository.commit(), repository.commit()];
    // A user asks as well, so that refusals are met sooner than every second.
    const ask = setInterval(() => void first.data.updates.changeSources.requestPolls([1]).catch(() => {}), 50);
    await waitFor(() => faults.met.size === round.length, { what: "polls to be refused", timeoutMs: 30_000 }).finally(
      () => clearInterval(ask),
    );
    // It polls no more, and has not said so to anyone: the rows are all that the next one has.
    await first.stop();
    faults.end();
    const second = await cluster.add(slice);
    await cluster.evict(first);
    await second.start();
    await waitFor(async () => (await stored()).length >= 2, { what: "both commits", timeoutMs: 60_000 });
    commits.push(repository.commit());
    await waitFor(async () => (await stored()).length >= 3, { what: "the next commit" });
    expect((await stored()).map(({ revision }) => revision)).toEqual(commits);
    expect(await cluster.holders()).toEqual({ p: second.lease.name });
  });
});
