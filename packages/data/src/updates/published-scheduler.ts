import { type Json, pythonJson } from "@multimaster/core";
import type { PublishedSchedulerRow } from "@multimaster/database";
import type { TrySpec } from "../resources/tryschedulers.ts";
import type { TriggerableSpec } from "./triggers.ts";

/**
 * What makes a scheduler build: changes that come, a form that a user sends, a step of another build, the clock,
 * buildsets of another scheduler, or a difference that a user sends.
 */
export type SchedulerKind = "changes" | "form" | "builds" | "times" | "buildsets" | "tries";

/** How long no change must arrive before a scheduler builds. */
export interface TreeTimer {
  seconds: number;
  /** Each branch of a repository has its own timer; or else there is one for all. */
  perBranch: boolean;
  /** It builds at the latest this long after the first change; absent or null: no limit. */
  mostSeconds?: number | null;
}

/** What a scheduler publishes of itself, for the masters that do not load it. What is absent, it does not have. */
export interface PublishedScheduler {
  kind: SchedulerKind;
  /** When it builds next, in seconds since 1970, if the clock decides that. */
  nextRun?: number | null;
  /** The form by which users ask for builds, in the REST shape of `forceschedulers`: any UI master shows and checks it. */
  form?: Json;
  /** What it builds when a step triggers it: the step's engine adds the buildset. */
  triggerable?: TriggerableSpec;
  /** What users may try with it: any UI master adds the buildset. */
  tries?: TrySpec;
  /** For how long its changes wait for others, so that pages can show it. */
  timer?: TreeTimer | null;
}

export function toRow(
  schedulerid: number,
  { kind, nextRun, form, triggerable, timer }: PublishedScheduler,
): PublishedSchedulerRow {
  return {
    schedulerid,
    kind,
    next_at: nextRun ?? null,
    form: form === undefined ? null : pythonJson(form),
    triggerable: triggerable === undefined ? null : pythonJson(triggerable),
    timer_seconds: timer?.seconds ?? null,
    timer_most_seconds: timer?.mostSeconds ?? null,
    timer_per_branch: timer ? Number(timer.perBranch) : null,
  };
}
