import type { Decision, SavedState, SchedulerContext, Submission } from "../../define-scheduler.ts";
import { type Running, startPolling } from "../../running.ts";
import { findDue } from "./find-due.ts";

/** A scheduler that the clock runs. */
export interface Timed {
  /** What its slots depend on: with another one, it begins to count again. */
  readonly spec: string;
  /** The first slot after a time; both are in seconds since 1970. */
  next(after: number): number | undefined;
  readonly runAtStart: boolean;
  readonly missed: "run-once" | "skip";
  /** What a trigger of it builds, and more of what it publishes. */
  readonly published?: Partial<Parameters<SchedulerContext["publish"]>[0]>;
  /** Reads what must be known before a slot is due, such as new changes. */
  prepare?(signal: AbortSignal): Promise<"done" | "built" | "lost">;
  /** Decides what a slot builds. `late` is the text that its reason gets if it is made up for. */
  decide(slot: number, late: string): Promise<SlotPlan>;
}

export interface SlotPlan {
  outcome: Decision["outcome"];
  submission?: Submission | undefined;
  /** The kept trigger that it builds. */
  trigger?: number | undefined;
  states?: readonly SavedState[] | undefined;
}

const pollMs = 5000;
/** Slots are counted by the database's clock, which is read again this often. */
const readMs = 60_000;
/** What is later than this was missed, and is not only late. */
const lateSeconds = 60;

type Start = Exclude<Awaited<ReturnType<SchedulerContext["openSlots"]>>, "lost">;

/** Runs at each slot: a slot is a row, written with its buildset, so that no other master decides it again. */
export async function runAtSlots(ctx: SchedulerContext, timed: Timed): Promise<Running> {
  let start: (Start & { readAt: number }) | undefined;
  let shown: number | null | undefined;

  async function poll(signal: AbortSignal): Promise<number | undefined> {
    if ((await timed.prepare?.(signal)) === "lost" || signal.aborted) return undefined;
    if (!start || ctx.clock.now() - start.readAt >= readMs) {
      const opened = await ctx.openSlots(timed.spec);
      if (opened === "lost") return undefined;
      start = { ...opened, readAt: ctx.clock.now() };
    }
    const now = start.now + (ctx.clock.now() - start.readAt) / 1000;
    const due = findDue(timed, start, now);
    if (due.slot !== undefined) {
      if ((await decideSlot(ctx, timed, { ...due, slot: due.slot, now })) === "lost") return undefined;
      start = undefined;
      return 0;
    }
    const next = due.next ?? null;
    if (next !== shown) {
      await ctx.publish({ kind: "times", ...timed.published, nextRun: next });
      shown = next;
    }
    return next === null ? undefined : Math.max(0, (next - now) * 1000);
  }
  return startPolling(ctx, { pollMs, poll });
}

async function decideSlot(
  ctx: SchedulerContext,
  timed: Timed,
  { slot, passed, now }: { slot: number; passed: number; now: number },
): Promise<"done" | "lost"> {
  const isMissed = now - slot > lateSeconds;
  const at = new Date(slot * 1000).toISOString();
  const isSkipped = timed.missed === "skip" && isMissed;
  if (passed > 0 || isMissed) {
    const others = passed > 0 ? ` and ${passed} before it` : "";
    const runs = isMissed
      ? `its run of ${at}${others}`
      : `${passed} ${passed === 1 ? "run" : "runs"} before that of ${at}`;
    const taken = isMissed ? "it is made up for now" : "that one takes place now";
    const rest = isSkipped ? "nothing is built" : taken;
    ctx.log.warn(
      { scheduler: ctx.name, slot: at, passed },
      `the scheduler "${ctx.name}" missed ${runs}, because no master ran it then; ${rest}`,
    );
  }
  const { outcome, submission, trigger, states }: SlotPlan = isSkipped
    ? { outcome: "missed" }
    : await timed.decide(slot, isMissed ? ` (planned for ${at})` : "");
  const decided = await ctx.decideSlot({ kind: "time", slot, outcome, passed, submission, trigger, states });
  if (decided === "lost") return "lost";
  if (decided === "taken") ctx.log.info({ scheduler: ctx.name, slot: at }, "another master has decided this slot");
  return "done";
}
