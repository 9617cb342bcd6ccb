import { fencedTransaction } from "@multimaster/cluster";
import type { Json } from "@multimaster/core";
import {
  type Connection,
  holdScheduler,
  openSlots,
  pruneSlots,
  raiseBuildsetFloor,
  removeClassified,
  type SlotKind,
  type SlotStart,
  setObjectState,
  setSlotBuildset,
  sourcesOfBuildsets,
  takeSlot,
  undecidedBuildsets,
} from "@multimaster/database";
import {
  type AddedBuildset,
  addBuildset,
  type NewBuildset,
  type NewSourceStamp,
  publishBuildset,
} from "./add-buildset.ts";
import { buildKept } from "./asked-triggers.ts";
import type { Lost } from "./lost.ts";
import type { StateKey } from "./object-state.ts";
import type { UpdateContext } from "./update-context.ts";

/** What became of a slot: built, nothing had changed, missed while no scheduler ran, or a function of the config failed. */
export type SlotOutcome = "built" | "unchanged" | "missed" | "failed";

/** What a scheduler decides about a slot: it is decided once in the cluster. */
export interface SlotDecision {
  kind: SlotKind;
  /** Whole seconds since 1970, or the id of the other scheduler's buildset. */
  slot: number;
  outcome: SlotOutcome;
  /** How many slots before this one were passed over. */
  passed: number;
  /** Without a buildset nothing is built, and the changes pass. */
  submission?: { buildset?: NewBuildset; changeids: readonly number[] } | undefined;
  /** The kept trigger that its buildset is of; older ones are superseded by it. */
  trigger?: number | undefined;
  states?: readonly (StateKey & { value: Json })[];
}

/** A buildset of another scheduler, with its sources. */
export interface UpstreamBuildset {
  bsid: number;
  sourceStamps: readonly (NewSourceStamp & { ssid: number })[];
  changeids: readonly number[];
}

export interface SlotUpdates {
  /**
   * Since when the scheduler counts slots (fenced, claim checked): since it first ran, was enabled again, or `spec`, which
   * its slots depend on, became another one.
   */
  openSlots(schedulerid: number, spec: string): Promise<SlotStart | Lost>;
  /**
   * Buildsets of other schedulers that have succeeded since this one counts, and that it has not decided, oldest first.
   * Ids commit out of order, and older ones end later: each is returned whenever it ends. A page of those with higher ids than
   * `after`; an empty one is the last.
   */
  undecidedBuildsets(schedulerid: number, of: readonly string[], after: number): Promise<UpstreamBuildset[]>;
  /**
   * One transaction (fenced, claim checked): takes the slot, adds its buildset, removes that one's changes from the
   * classified ones and saves state. "taken", with nothing written, if the slot has been decided before, by whichever master.
   */
  decideSlot(schedulerid: number, decision: SlotDecision): Promise<AddedBuildset | "decided" | "taken" | Lost>;
}

/** Buildsets that are read in one query. */
const buildsetLimit = 100;
/** How often what was decided is compacted. */
const tidyMs = 600_000;

export function createSlotUpdates(context: UpdateContext): SlotUpdates {
  const { database, lease, clock } = context;
  const tidied = new Map<number, number>();

  async function tidy(schedulerid: number, of: readonly string[]): Promise<void> {
    const now = clock.now();
    if (now - (tidied.get(schedulerid) ?? Number.NEGATIVE_INFINITY) < tidyMs) return;
    tidied.set(schedulerid, now);
    await fencedTransaction(database, lease, async (tx) => {
      if (await holdScheduler(tx, schedulerid, lease.masterid)) await raiseBuildsetFloor(tx, schedulerid, of);
    });
  }

  return {
    openSlots: (schedulerid, spec) =>
      fencedTransaction(database, lease, async (tx) =>
        (await holdScheduler(tx, schedulerid, lease.masterid)) ? openSlots(tx, schedulerid, spec) : "lost",
      ),
    async undecidedBuildsets(schedulerid, of, after) {
      await tidy(schedulerid, of);
      const page = { after, limit: buildsetLimit };
      return readUpstream(database, await undecidedBuildsets(database, schedulerid, of, page));
    },
    async decideSlot(schedulerid, decision) {
      const decided = await fencedTransaction(database, lease, async (tx) =>
        (await holdScheduler(tx, schedulerid, lease.masterid)) ? decide(tx, schedulerid, decision) : "lost",
      );
      if (typeof decided === "object")
        await publishBuildset(context, decided, decision.submission?.buildset?.scheduler ?? null);
      return decided;
    },
  };
}

async function readUpstream(database: Connection, bsids: readonly number[]): Promise<UpstreamBuildset[]> {
  if (bsids.length === 0) return [];
  const rows = await sourcesOfBuildsets(database, bsids);
  return bsids.map((bsid) => {
    const own = rows.filter(({ buildsetid }) => buildsetid === bsid);
    const stamps = new Map(own.map(({ buildsetid: _, changeid: __, ...stamp }) => [stamp.ssid, stamp]));
    return {
      bsid,
      sourceStamps: [...stamps.values()],
      changeids: own.flatMap(({ changeid }) => changeid ?? []).sort((a, b) => a - b),
    };
  });
}

async function decide(
  tx: Connection,
  schedulerid: number,
  { submission, trigger, states = [], ...slot }: SlotDecision,
): Promise<AddedBuildset | "decided" | "taken"> {
  if (!(await takeSlot(tx, schedulerid, slot))) return "taken";
  for (const state of states) await setObjectState(tx, state, state.value);
  await pruneSlots(tx, schedulerid);
  if (!submission) return "decided";
  await removeClassified(tx, schedulerid, submission.changeids);
  if (!submission.buildset) return "decided";
  const added =
    trigger === undefined
      ? await addBuildset(tx, submission.buildset)
      : await buildKept(tx, schedulerid, trigger, submission.buildset);
  // Only this scheduler decides it, and holds its claim.
  if (!added) throw new Error(`the kept trigger ${trigger} is gone`);
  await setSlotBuildset(tx, schedulerid, slot, added.bsid);
  return added;
}
