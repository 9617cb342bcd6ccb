import { fencedTransaction } from "@multimaster/cluster";
import type { Json } from "@multimaster/core";
import {
  type Connection,
  holdScheduler,
  openSlots,
  pruneSlots,
  removeClassified,
  type SlotKind,
  type SlotStart,
  setObjectState,
  setSlotBuildset,
  takeSlot,
} from "@multimaster/database";
import { type AddedBuildset, addBuildset, type NewBuildset, publishBuildset } from "./add-buildset.ts";
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
  states?: readonly (StateKey & { value: Json })[];
}

export interface SlotUpdates {
  /**
   * Since when the scheduler counts slots (fenced, claim checked): since it first ran, was enabled again, or `spec`, which
   * its slots depend on, became another one.
   */
  openSlots(schedulerid: number, spec: string): Promise<SlotStart | Lost>;
  /**
   * One transaction (fenced, claim checked): takes the slot, adds its buildset, removes that one's changes from the
   * classified ones and saves state. "taken", with nothing written, if the slot has been decided before, by whichever master.
   */
  decideSlot(schedulerid: number, decision: SlotDecision): Promise<AddedBuildset | "decided" | "taken" | Lost>;
}

export function createSlotUpdates(context: UpdateContext): SlotUpdates {
  const { database, lease } = context;
  return {
    openSlots: (schedulerid, spec) =>
      fencedTransaction(database, lease, async (tx) =>
        (await holdScheduler(tx, schedulerid, lease.masterid)) ? openSlots(tx, schedulerid, spec) : "lost",
      ),
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

async function decide(
  tx: Connection,
  schedulerid: number,
  { submission, states = [], ...slot }: SlotDecision,
): Promise<AddedBuildset | "decided" | "taken"> {
  if (!(await takeSlot(tx, schedulerid, slot))) return "taken";
  for (const state of states) await setObjectState(tx, state, state.value);
  await pruneSlots(tx, schedulerid);
  if (!submission) return "decided";
  await removeClassified(tx, schedulerid, submission.changeids);
  if (!submission.buildset) return "decided";
  const added = await addBuildset(tx, submission.buildset);
  await setSlotBuildset(tx, schedulerid, slot, added.bsid);
  return added;
}
