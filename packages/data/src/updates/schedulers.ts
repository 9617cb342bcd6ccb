import { setImmediate } from "node:timers/promises";
import { type Claim, claim, fencedTransaction } from "@multimaster/cluster";
import { type Json, pythonJson } from "@multimaster/core";
import {
  type Connection,
  classifiedRows,
  getObjectState,
  holdScheduler,
  insertClassified,
  isSchedulerEnabled,
  isUnseen,
  markSeen,
  raiseFloor,
  registerSchedulers,
  removeClassified,
  savePublishedScheduler,
  setObjectState,
  setSchedulerEnabled,
  unknownBuilders,
} from "@multimaster/database";
import { claimTables, releaseClaim } from "@multimaster/lifecycle";
import type { Trail } from "../model/actor.ts";
import { loadItems, loadWhere } from "../read/read-items.ts";
import { type Change, changes } from "../resources/changes.ts";
import { schedulers } from "../resources/schedulers.ts";
import { type AddedBuildset, addBuildset, type NewBuildset, publishBuildset } from "./add-buildset.ts";
import { type AskedTriggerUpdates, createAskedTriggerUpdates } from "./asked-triggers.ts";
import type { Lost } from "./lost.ts";
import type { StateKey } from "./object-state.ts";
import { type PublishedScheduler, toRow } from "./published-scheduler.ts";
import { createSlotUpdates, type SlotUpdates } from "./scheduler-slots.ts";
import { createSupersedingUpdates, type SupersedingUpdates } from "./superseding.ts";
import type { UpdateContext } from "./update-context.ts";
import { writeWithTrail } from "./write-with-trail.ts";

/** What a scheduler needs of a change to put it into a buildset; any number of them may wait. */
export type WaitingChange = Pick<Change, "changeid" | "branch" | "revision" | "repository" | "project" | "codebase"> & {
  sourcestamp: Pick<Change["sourcestamp"], "ssid">;
};

export interface ClassifiedChange {
  change: WaitingChange;
  important: boolean;
  /** Seconds since it was classified, by the database's clock: what a tree-stable timer counts from. */
  ageSeconds: number;
}

export interface SchedulerUpdates extends SlotUpdates, SupersedingUpdates, AskedTriggerUpdates {
  /**
   * Finds or creates the rows, with cursors for those that follow changes (default: all), all names in one transaction.
   * A scheduler new to a cluster that already had schedulers starts with the next change; the first schedulers of a
   * fresh database read every change, so that one added before any scheduler ran is not missed.
   */
  register(names: readonly string[], followers?: readonly string[]): Promise<ReadonlyMap<string, number>>;
  /** Claims the scheduler (fenced); "claimed" as well when this master already has it. */
  claim(schedulerid: number): Promise<Claim>;
  release(schedulerid: number): Promise<void>;
  isEnabled(schedulerid: number): Promise<boolean>;
  setEnabled(schedulerid: number, enabled: boolean, trail?: Trail): Promise<void>;
  /** Replaces what the scheduler has published of itself (fenced). */
  publish(schedulerid: number, published: PublishedScheduler): Promise<void>;
  /**
   * Changes that this scheduler has not classified, oldest first. Ids commit out of order: an id that appears late below
   * others is still delivered (cursor = floor + set of seen ids).
   */
  unseenChanges(schedulerid: number, limit: number): Promise<Change[]>;
  /**
   * Records how the scheduler classified changes (fenced, claim checked): rows for the wanted ones, seen for all. Those of
   * `submissions` need no row: their buildsets are added in the same transaction. Lost, with nothing written, also when
   * one of these was classified before.
   */
  classify(schedulerid: number, verdicts: Verdicts, submissions?: Submissions): Promise<"done" | Lost>;
  classifiedChanges(schedulerid: number): Promise<ClassifiedChange[]>;
  /**
   * One transaction (fenced, claim checked): adds each buildset, removes its changes from the classified ones and
   * saves state. A change is thereby in exactly one buildset of this scheduler, whenever the master dies. Lost, with
   * nothing written, also when one of the changes is not among the classified ones: an earlier call has submitted it.
   */
  submit(
    schedulerid: number,
    submissions: Submissions,
    state?: StateKey & { value: Json },
  ): Promise<AddedBuildset[] | Lost>;
  getState(source: StateKey): Promise<Json | undefined>;
  /** Changes by their ids, in that order. */
  readChanges(ids: readonly number[]): Promise<Change[]>;
  /** Those of the names of which there is no builder. */
  unknownBuilders(names: readonly string[]): Promise<string[]>;
}

/** How often the seen changes of a scheduler are compacted. */
const tidyMs = 600_000;
/** Classified changes that are read in one query. */
const pageSize = 2000;
/** Age of a change that Buildbot classified, before it was ours: long enough for any timer. */
const longAgo = 10 ** 9;

export function createSchedulerUpdates(context: UpdateContext): SchedulerUpdates {
  const { database, lease, events, clock, track, publishOutcomes } = context;
  const tidied = new Map<number, number>();

  async function tidy(tx: Connection, schedulerid: number): Promise<void> {
    const now = clock.now();
    if (now - (tidied.get(schedulerid) ?? Number.NEGATIVE_INFINITY) < tidyMs) return;
    await raiseFloor(tx, schedulerid);
    tidied.set(schedulerid, now);
  }

  return {
    ...createSlotUpdates(context),
    ...createSupersedingUpdates(context),
    ...createAskedTriggerUpdates(context),
    register: (names, followers = names) => database.transaction((tx) => registerSchedulers(tx, names, followers)),
    claim: (schedulerid) => claim(database, lease, claimTables.scheduler, schedulerid),
    async release(schedulerid) {
      const outcomes = await database.transaction((tx) => releaseClaim(tx, lease, "scheduler", schedulerid));
      await publishOutcomes(outcomes);
    },
    isEnabled: (schedulerid) => isSchedulerEnabled(database, schedulerid),
    async setEnabled(schedulerid, enabled, trail) {
      if (!(await writeWithTrail(database, (tx) => setSchedulerEnabled(tx, schedulerid, enabled), trail))) return;
      await track(events.of(schedulers).updated([schedulerid]));
    },
    publish: (schedulerid, published) =>
      fencedTransaction(database, lease, (tx) =>
        savePublishedScheduler(tx, toRow(schedulerid, published), published.tries && pythonJson(published.tries)),
      ),
    async unseenChanges(schedulerid, limit) {
      const scope = { connection: database, params: {}, properties: undefined, filters: [] };
      return [...(await loadWhere(changes, scope, isUnseen("ch.changeid", schedulerid, limit))).values()];
    },
    classify: (schedulerid, verdicts, submissions = []) =>
      addBuildsets(context, schedulerid, submissions, async (tx) => {
        const fresh = await markSeen(
          tx,
          schedulerid,
          verdicts.map((verdict) => verdict.changeid),
        );
        const submitted = new Set(submissions.flatMap(({ changeids }) => changeids));
        for (const changeid of submitted) if (!fresh.has(changeid)) throw new AlreadySubmitted();
        // Only what is new: a repeated call must not bring back a change that was built in between.
        const wanted = verdicts.filter(
          ({ changeid, verdict }) => fresh.has(changeid) && verdict !== "ignored" && !submitted.has(changeid),
        );
        await insertClassified(
          tx,
          schedulerid,
          wanted.map(({ changeid, verdict }) => ({ changeid, important: verdict === "important" })),
        );
        await tidy(tx, schedulerid);
      }).then((added) => (added === "lost" ? "lost" : "done")),
    classifiedChanges: (schedulerid) => readClassified(database, schedulerid),
    submit: (schedulerid, submissions, state) =>
      addBuildsets(context, schedulerid, submissions, async (tx) => {
        const wanted = submissions.flatMap(({ changeids }) => [...new Set(changeids)]);
        if ((await removeClassified(tx, schedulerid, wanted)) < wanted.length) throw new AlreadySubmitted();
        if (state) await setObjectState(tx, state, state.value);
      }),
    getState: (source) => getObjectState(database, source),
    async readChanges(ids) {
      if (ids.length === 0) return [];
      const found = await loadItems(
        changes,
        { connection: database, params: {}, properties: undefined, filters: [] },
        ids,
      );
      return ids.flatMap((id) => found.get(id) ?? []);
    },
    unknownBuilders: (names) => unknownBuilders(database, names),
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

type Verdicts = readonly { changeid: number; verdict: "important" | "unimportant" | "ignored" }[];
/** Without a buildset, the changes pass. */
type Submissions = readonly { buildset?: NewBuildset; changeids: readonly number[] }[];

/** Rolls a submission back whose changes are in a buildset already. */
class AlreadySubmitted extends Error {}

/** Rolls back what another master has to do. */
class NotHeld extends Error {}

/** One transaction, fenced and with the claim checked: what `before` writes, then the buildsets. All is sent at once. */
async function addBuildsets(
  context: UpdateContext,
  schedulerid: number,
  submissions: Submissions,
  before: (tx: Connection) => Promise<void>,
): Promise<AddedBuildset[] | Lost> {
  const { database, lease } = context;
  const described = submissions.flatMap(({ buildset }) => buildset ?? []);
  try {
    const added = await fencedTransaction(database, lease, async (tx) => {
      const [, , sets] = await Promise.all([hold(tx, schedulerid, lease.masterid), before(tx), addEach(tx, described)]);
      return sets;
    });
    for (const [i, set] of added.entries()) await publishBuildset(context, set, described[i]?.scheduler ?? null);
    return added;
  } catch (error) {
    if (error instanceof AlreadySubmitted || error instanceof NotHeld) return "lost";
    throw error;
  }
}

async function hold(tx: Connection, schedulerid: number, masterid: number): Promise<void> {
  if (!(await holdScheduler(tx, schedulerid, masterid))) throw new NotHeld();
}

async function addEach(tx: Connection, buildsets: readonly NewBuildset[]): Promise<AddedBuildset[]> {
  const sets: AddedBuildset[] = [];
  for (const buildset of buildsets) sets.push(await addBuildset(tx, buildset));
  return sets;
}
