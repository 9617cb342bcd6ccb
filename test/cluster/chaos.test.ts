import { setTimeout as sleep } from "node:timers/promises";
import { expect, it } from "vitest";
import { findViolations } from "../harness/checks.ts";
import { type Diagram, startDiagram } from "../harness/diagram.ts";
import { findOverHeld, readLockLedger } from "../harness/lock-ledger.ts";
import { isLong } from "../harness/long-form.ts";
import { createSeededRandom } from "../harness/seeded-random.ts";
import { areAllLeased, frozen, killed, type Strike } from "../harness/strikes.ts";
import { waitFor } from "../harness/wait-for.ts";

// The long form, `npm run test:chaos`, lasts ten minutes; docs/faults.md holds what it printed.
const durationMs = isLong ? 600_000 : 12_000;
/** In the long form 2,200 changes come, or a few less where the machine is too slow for this pace. */
const changeEveryMs = isLong ? 270 : 400;
const leaseMs = isLong ? 6000 : 4000;
/** Which pending requests collapse: none, those of one builder (CHAOS_COLLAPSE=one), or all (CHAOS_COLLAPSE=yes). */
const asked = process.env["CHAOS_COLLAPSE"];
const collapses = asked === "yes" || asked === "one" ? asked : "no";
const collapsing = { yes: "true", one: "n.name = 'shared'", no: "false" }[collapses];
const seed = process.env["CHAOS_SEED"] ?? String(Date.now());

interface Blow {
  readonly what: string;
  readonly strike: Strike;
}

/** What may happen at any moment. The short form begins with the first two. */
const blows: readonly Blow[] = [
  { what: "an engine is killed", strike: killed("builder-engine", "a") },
  { what: "a scheduler master is killed", strike: killed("scheduler", "a") },
  { what: "the other engine is killed", strike: killed("builder-engine", "b") },
  { what: "the other scheduler master is killed", strike: killed("scheduler", "b") },
  { what: "an engine is stopped for 2.5 leases", strike: frozen("builder-engine", leaseMs, "a") },
  { what: "a scheduler master is stopped for 2.5 leases", strike: frozen("scheduler", leaseMs, "b") },
  { what: "all workers are cut off", strike: async ({ lines }) => lines.workers.cut() },
];

it("schedulers and engines are killed at random, with locks and timetables: everything is done once, and no lock is had twice", async () => {
  const random = createSeededRandom(seed);
  console.log(`CHAOS_SEED=${seed}`);
  const diagram = await startDiagram({
    config: "test/cluster/configs/farm/cluster.ts",
    buildbotWorkers: isLong ? 3 : 1,
    ownWorkers: isLong ? 5 : 3,
    env: { LEASE: `${leaseMs}ms`, COLLAPSE: collapses },
  });
  const { cluster } = diagram;
  const end = performance.now() + durationMs;
  const changes = sendChanges(diagram, end);
  const struck = new Map<string, number>();
  for (let n = 0; performance.now() < end || (!isLong && n < 2); n++) {
    const { what, strike } = blows[isLong || n > 1 ? random.below(blows.length) : n] as Blow;
    await waitFor(async () => (await cluster.rows("select 1 from mm_lock_holds")).length > 0, {
      what: "builds that have locks",
      timeoutMs: 120_000,
      intervalMs: 50,
    });
    await strike(diagram);
    struck.set(what, (struck.get(what) ?? 0) + 1);
    await sleep(500 + random.below(isLong ? 8000 : 2000));
  }
  const accepted = await changes;
  // Those who go by the clock go on for ever.
  for (const name of ["often", "minute"]) await disable(diagram, name);
  await waitUntilDone(diagram, accepted);
  await waitFor(() => areAllLeased(diagram), { what: "the dead to be evicted", timeoutMs: 120_000 });
  console.log(
    [...struck].map(([what, count]) => `${what}: ${count}`).join("; "),
    JSON.stringify(await describe(diagram)),
  );

  expect(await findViolations(cluster, { schedulersTakeAllChanges: false })).toEqual([]);
  expect(findOverHeld(readLockLedger(`${cluster.ledger.path}.locks`))).toEqual([]);
  expect(await findWrongly(diagram)).toEqual([]);
}, 3_600_000);

/**
 * As a forge does, with one delivery id for each until it is accepted. Every fourth is of the branch that more builders follow.
 * Changes are due by the clock: what a slow answer has delayed is sent immediately after it.
 */
async function sendChanges({ url }: Diagram, end: number): Promise<number> {
  const start = performance.now();
  let n = 0;
  for (; performance.now() < end; n++) {
    const branch = n % 4 === 0 ? "release" : "main";
    const fields = { author: "Ada", comments: `c${n}`, revision: `r${n}`, branch, repository: "r", delivery: `d${n}` };
    const post = async () => {
      const init = { method: "POST", body: new URLSearchParams(fields), signal: AbortSignal.timeout(20_000) };
      return (await fetch(new URL("change_hook/base", url), init)).status === 202;
    };
    await waitFor(() => post().catch(() => false), { what: "a change to be accepted", timeoutMs: 120_000 });
    await sleep(Math.max(0, start + (n + 1) * changeEveryMs - performance.now()));
  }
  return n;
}

async function disable({ cluster, url }: Diagram, name: string): Promise<void> {
  const [row] = await cluster.rows<{ id: number }>(`select id from schedulers where name = '${name}'`);
  const call = { jsonrpc: "2.0", id: 1, method: "enable", params: { enabled: false } };
  const answer = await fetch(new URL(`api/v2/schedulers/${row?.id}`, url), {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(call),
  });
  expect(answer.status, await answer.text()).toBe(200);
}

/** As long as builds end, the machine is only slow; the test fails when nothing has ended for this long. */
const stalledMs = 120_000;

async function waitUntilDone(diagram: Diagram, accepted: number): Promise<void> {
  for (let ended = -1; ; ) {
    const before = ended;
    const isDone = await waitFor(
      async () => {
        const state = await readProgress(diagram);
        ended = state.ended;
        if (state.changes === accepted && state.open === 0 && state.unseen === 0) return "done";
        return ended > before && "goes on";
      },
      { what: `more than ${before} requests to have ended`, timeoutMs: stalledMs, intervalMs: 500 },
    ).catch(async (error: Error) => {
      throw new Error(`${error.message}; ${JSON.stringify(await readWaiting(diagram))}`, { cause: error });
    });
    if (isDone === "done") return;
  }
}

async function readProgress({ cluster }: Diagram) {
  const [row] = await cluster.rows<{ changes: number; open: number; unseen: number; ended: number }>(
    `select (select count(*)::int from changes) as changes,
       (select count(*)::int from buildsets where complete = 0) as open,
       (select count(*)::int from buildrequests where complete = 1) as ended,
       (select count(*)::int from changes c join mm_scheduler_cursors k on c.changeid > k.floor
         where not exists (select 1 from mm_scheduler_seen s where s.schedulerid = k.schedulerid and s.changeid = c.changeid)) as unseen`,
  );
  return row as NonNullable<typeof row>;
}

/** What is open, by builder, and the oldest of it. */
function readWaiting({ cluster }: Diagram) {
  return cluster.rows(
    `select n.name, count(*)::int as open, min(r.id) as oldest from buildrequests r join builders n on n.id = r.builderid
      where r.complete = 0 group by n.name order by n.name`,
  );
}

/** What must not be, beside what the audit and the ledger know. */
async function findWrongly({ cluster }: Diagram): Promise<string[]> {
  const checks: readonly [sentence: string, sql: string][] = [
    [
      "a change is not in exactly one buildset of a scheduler that follows it",
      `select c.changeid as id from changes c, (values ('each', null), ('release', 'release')) f(scheduler, branch)
        where (select count(*) from buildsets b join buildset_sourcestamps s on s.buildsetid = b.id and s.sourcestampid = c.sourcestampid
                join buildset_properties p on p.buildsetid = b.id and p.property_name = 'scheduler'
                 and p.property_value = '["' || f.scheduler || '", "Scheduler"]')
          <> case when f.branch is null or f.branch = c.branch then 1 else 0 end`,
    ],
    [
      "a request was built to its end twice, or not at all, or was built although it had collapsed",
      `select r.id from buildrequests r join builders n on n.id = r.builderid
        where (select count(*) from builds b where b.buildrequestid = r.id and b.results <> 5)
          <> case when r.results = 3 and ${collapsing} then 0 else 1 end`,
    ],
    [
      "two buildsets have one slot",
      "select min(buildsetid) as id from mm_scheduler_slots where buildsetid is not null group by buildsetid having count(*) > 1",
    ],
    [
      "a slot of the periodic scheduler is missing",
      `select t.slot as id from (select slot, passed, lag(slot) over (order by slot) as before from mm_scheduler_slots t
          join schedulers s on s.id = t.schedulerid where s.name = 'often' and t.kind = 'time') t
        where t.slot - t.before <> 3 * (t.passed + 1)`,
    ],
    [
      "a request began after one of its builder that is two minutes younger",
      `with f as (select r.id, r.builderid, r.submitted_at, min(b.started_at) as began
                    from buildrequests r join builds b on b.buildrequestid = r.id group by r.id)
       select distinct a.id from f a join f b on b.builderid = a.builderid
          and b.submitted_at > a.submitted_at + 120 and b.began < a.began`,
    ],
    ["a lock is held", "select holdid as id from mm_lock_holds"],
    ["a request waits for a lock", "select waitid as id from mm_lock_waits"],
  ];
  const found = await Promise.all(
    checks.map(async ([sentence, sql]) => {
      const ids = (await cluster.rows<{ id: number }>(sql)).map(({ id }) => id);
      return ids.length === 0 ? [] : [`${sentence}: ${ids.slice(0, 5).join(", ")} (${ids.length})`];
    }),
  );
  return found.flat();
}

/** Figures for the table of docs/faults.md. */
async function describe({ cluster }: Diagram): Promise<Record<string, unknown> | undefined> {
  const [row] = await cluster.rows(
    `select (select count(*)::int from changes) as changes, (select count(*)::int from buildrequests) as requests,
       (select count(*)::int from builds) as builds, (select count(*)::int from builds where results = 5) as retried,
       (select count(*)::int from mm_scheduler_slots where outcome = 'built') as slots,
       (select max(b.started_at - r.submitted_at) from builds b join buildrequests r on r.id = b.buildrequestid
         where b.results <> 5) as longest_wait_s`,
  );
  return row;
}
