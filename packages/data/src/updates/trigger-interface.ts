import type { Json, Result } from "@multimaster/core";
import { z } from "zod";
import type { Lost, NewSourceStamp } from "../contract.ts";

const codebase = z.object({
  branch: z.string().nullable().default(null),
  revision: z.string().nullable().default(null),
  repository: z.string().default(""),
  project: z.string().default(""),
});

/** What a triggerable scheduler would build, as its master publishes it for every engine. */
export const triggerableSpec = z.object({
  builders: z.array(z.string()),
  properties: z.record(z.string(), z.json()).default({}),
  priority: z.int().default(0),
  reason: z.string(),
  /** Codebases of which its builds always get a source stamp, with what stands in it unless a trigger says otherwise. */
  codebases: z.record(z.string(), codebase).default({}),
});

export type TriggerableSpec = z.output<typeof triggerableSpec>;

/** A wish of a running build that a scheduler builds something. */
export interface Trigger {
  /** Name of a triggerable scheduler. */
  scheduler: string;
  /**
   * Which of the build's triggers this is: the same text in each attempt at the build's request, so that a second
   * attempt, or a repeated call, finds what was triggered before.
   */
  slot: string;
  /** By codebase: a source stamp's id, or what differs from the scheduler's own. */
  sourceStamps: Readonly<Record<string, number | Partial<Omit<NewSourceStamp, "codebase">>>>;
  /** Properties of the new builds, with the source Trigger; they win over the scheduler's. */
  properties: Readonly<Record<string, Json>>;
}

export interface BuildTriggers {
  buildid: number;
  /** The build waits for them: if it is stopped, or its request ends without it, they are cancelled. */
  waitedFor: boolean;
  /** What the new buildsets are to the build, such as "Triggered from". */
  relationship: string;
  triggers: readonly Trigger[];
}

export interface TriggeredBuildset {
  bsid: number;
  scheduler: string;
  /** In the order of the builders. */
  requests: readonly { buildrequestid: number; builder: string }[];
}

/** Writing down triggers and what came of them. */
export interface TriggerUpdates {
  /**
   * Adds a buildset for each trigger, or none when one is refused, in one transaction (fenced; the build must run on
   * this master). An open request's earlier attempt may have asked for the same: its buildset is adopted, whether it has
   * ended or not. If it asked for something else in that slot and waited for it, that is cancelled.
   */
  trigger(triggers: BuildTriggers): Promise<TriggeredBuildset[] | { refused: string } | Lost>;
  /** Cancels what is open of these buildsets and was waited for, as `buildrequests.cancel` does. */
  cancelAwaited(bsids: readonly number[], reason: string): Promise<void>;
  /** Results of those of the buildsets that are complete. */
  completed(bsids: readonly number[]): Promise<ReadonlyMap<number, Result>>;
  /** Cancels what builds waited for whose request ended without them, and forgets what no attempt will ask for again. */
  tidy(): Promise<void>;
}
