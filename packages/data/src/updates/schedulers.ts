import { setImmediate } from "node:timers/promises";
import { claim, fencedTransaction } from "@multimaster/cluster";
import { pythonJson } from "@multimaster/core";
import {
  type Connection,
  classifiedRows,
  getObjectState,
  holdScheduler,
  insertClassified,
  isSchedulerEnabled,
  markSeen,
  raiseFloor,
  registerSchedulers,
  removeClassified,
  saveForceSpec,
  saveTreeTimer,
  saveTriggerableSpec,
  setObjectState,
  setSchedulerEnabled,
  unseenChangeIds,
} from "@multimaster/database";
import { claimTables, releaseClaim } from "@multimaster/lifecycle";
import type { AddedBuildset, ClassifiedChange, Lost, NewBuildset, SchedulerUpdates } from "../contract.ts";
import { loadItems } from "../read/read-items.ts";
import { type Change, changes } from "../resources/changes.ts";
import { schedulers } from "../resources/schedulers.ts";
import { addBuildset, announceBuildset } from "./add-buildset.ts";
import type { UpdateContext } from "./update-context.ts";
import { writeWithTrail } from "./write-with-trail.ts";

/** How often the seen changes of a scheduler are tidied up. */
const tidyMs = 600_000;
/** Classified changes that are read at once. */
const pageSize = 2000;
/** Age of a change that Buildbot classified, before it was ours: long enough for any timer. */
const longAgo = 10 ** 9;

export function createSchedulerUpdates(context: UpdateContext): SchedulerUpdates {
  const { database, lease, events, clock, announce, announceOutcomes } = context;
  const { masterid } = lease;
  const tidied = new Map<number, number>();

  async function tidy(tx: Connection, schedulerid: number): Promise<void> {
    const now = clock.now();
    if (now - (tidied.get(schedulerid) ?? Number.NEGATIVE_INFINITY) < tidyMs) return;
    await raiseFloor(tx, schedulerid);
    tidied.set(schedulerid, now);
  }

  return {
    register: (names, followers = names) => database.transaction((tx) => registerSchedulers(tx, names, followers)),
    claim: async (schedulerid) => (await claim(database, lease, claimTables.scheduler, schedulerid)).kind,
    async release(schedulerid) {
      const outcomes = await database.transaction((tx) => releaseClaim(tx, lease, "scheduler", schedulerid));
      await announceOutcomes(outcomes);
    },
    isEnabled: (schedulerid) => isSchedulerEnabled(database, schedulerid),
    async setEnabled(schedulerid, enabled, trail) {
      if (!(await writeWithTrail(database, (tx) => setSchedulerEnabled(tx, schedulerid, enabled), trail))) return;
      await announce(events.of(schedulers).updated([schedulerid]));
    },
    publishForceSpec: (schedulerid, spec) =>
      fencedTransaction(database, lease, (tx) => saveForceSpec(tx, schedulerid, pythonJson(spec))),
    publishTriggerable: (schedulerid, spec) =>
      fencedTransaction(database, lease, (tx) => saveTriggerableSpec(tx, schedulerid, pythonJson(spec))),
    publishTreeTimer: (schedulerid, timer) =>
      fencedTransaction(database, lease, (tx) => saveTreeTimer(tx, schedulerid, timer)),
    async unseenChanges(schedulerid, limit) {
      return loadChanges(database, await unseenChangeIds(database, schedulerid, limit));
    },
    classify: (schedulerid, verdicts) =>
      fencedTransaction(database, lease, async (tx) => {
        if (!(await holdScheduler(tx, schedulerid, masterid))) return "lost";
        const fresh = await markSeen(
          tx,
          schedulerid,
          verdicts.map((verdict) => verdict.changeid),
        );
        // Only what is new: a repeated call must not bring back a change that was built in between.
        const wanted = verdicts.filter(({ changeid, verdict }) => fresh.has(changeid) && verdict !== "ignored");
        await insertClassified(
          tx,
          schedulerid,
          wanted.map(({ changeid, verdict }) => ({ changeid, important: verdict === "important" })),
        );
        await tidy(tx, schedulerid);
        return "done";
      }),
    classifiedChanges: (schedulerid) => readClassified(database, schedulerid),
    submit: (schedulerid, submissions, state) => submit(context, schedulerid, submissions, state),
    getState: (source) => getObjectState(database, source),
  };
}

/** Any number of them may wait: they are read page by page, with a turn for other work between. */
async function readClassified(database: Connection, schedulerid: number): Promise<ClassifiedChange[]> {
  const found: ClassifiedChange[] = [];
  for (;;) {
    const above = found.at(-1)?.change.changeid ?? 0;
    const rows = await classifiedRows(database, schedulerid, { above, limit: pageSize });
    for (const { important, age, ssid, ...change } of rows)
      found.push({
        change: { ...change, sourcestamp: { ssid } },
        important: important === 1,
        ageSeconds: age === null ? longAgo : Math.max(0, age),
      });
    if (rows.length < pageSize) return found;
    await setImmediate();
  }
}

type Submissions = readonly { buildset: NewBuildset; changeids: readonly number[] }[];

/** Rolls a submission back whose changes are in a buildset already. */
class AlreadySubmitted extends Error {}

async function submit(
  context: UpdateContext,
  schedulerid: number,
  submissions: Submissions,
  state: Parameters<SchedulerUpdates["submit"]>[2],
): Promise<AddedBuildset[] | Lost> {
  const { database, lease } = context;
  try {
    const added = await fencedTransaction(database, lease, async (tx) => {
      if (!(await holdScheduler(tx, schedulerid, lease.masterid))) return "lost";
      const sets: AddedBuildset[] = [];
      for (const { buildset, changeids } of submissions) {
        const wanted = [...new Set(changeids)];
        if ((await removeClassified(tx, schedulerid, wanted)) < wanted.length) throw new AlreadySubmitted();
        sets.push(await addBuildset(tx, buildset));
      }
      if (state) await setObjectState(tx, state, state.value);
      return sets;
    });
    if (added === "lost") return "lost";
    for (const [i, set] of added.entries())
      await announceBuildset(context, set, submissions[i]?.buildset.scheduler ?? null);
    return added;
  } catch (error) {
    if (error instanceof AlreadySubmitted) return "lost";
    throw error;
  }
}

async function loadChanges(connection: Connection, ids: readonly number[]): Promise<Change[]> {
  if (ids.length === 0) return [];
  const found = await loadItems(changes, { connection, params: {}, properties: undefined, filters: [] }, ids);
  return ids.flatMap((id) => found.get(id) ?? []);
}
