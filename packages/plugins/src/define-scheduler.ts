import type { ConfigWarning, PluginDefinition, PluginDescriptor } from "@multimaster/config";
import type { Clock, Json, Logger } from "@multimaster/core";
import type { AddedBuildset, Change, ClassifiedChange, Lost, NewBuildset, PublishedScheduler } from "@multimaster/data";
import type { z } from "zod";
import type { Running } from "./running.ts";

/** A scheduler's classification of a change. It does not get an ignored one again. */
export interface Verdict {
  changeid: number;
  verdict: "important" | "unimportant" | "ignored";
}

/** A buildset, and the changes in it. */
export interface Submission {
  /** Without the scheduler's name, which is added. */
  buildset: Omit<NewBuildset, "scheduler">;
  changeids: readonly number[];
}

/**
 * The operations of a scheduler while this master has its claim. It sees neither rows nor topics: every operation is durable
 * and checked against the claim. "lost" means that another master has the claim: nothing was written and this scheduler is
 * about to be stopped; just return.
 */
export interface SchedulerContext {
  readonly name: string;
  readonly clock: Clock;
  readonly log: Logger;
  /** Aborts when the scheduler must stop: the claim was lost, the scheduler was disabled, or the master drains. */
  readonly signal: AbortSignal;
  /** Changes not classified yet, oldest first, also from times when no master ran the scheduler. */
  unseenChanges(limit: number): Promise<readonly Change[]>;
  /** Records its verdicts; important changes of `submissions` go into these buildsets in the same transaction. */
  classify(verdicts: readonly Verdict[], submissions?: readonly Submission[]): Promise<"done" | Lost>;
  /** The important and unimportant changes that are in no buildset yet. */
  classifiedChanges(): Promise<readonly ClassifiedChange[]>;
  /** Adds buildsets, removes their changes from the classified ones and saves state, in one transaction. */
  submit(
    submissions: readonly Submission[],
    state?: { name: string; value: Json },
  ): Promise<readonly AddedBuildset[] | Lost>;
  /** Returns state saved with `submit`, by whichever master had the claim. */
  getState(name: string): Promise<Json | undefined>;
  /** Replaces what it shows to the masters that do not load it: its kind, next run, form, what a trigger builds, its timer. */
  publish(published: PublishedScheduler): Promise<void>;
}

/** A scheduler as the scheduler role uses it. */
export interface SchedulerDefinition<Options = unknown> extends PluginDefinition<"scheduler"> {
  /** Risks of the options, such as open access; paths begin at the options. */
  warnings?(options: Options): readonly ConfigWarning[];
  /** The class name under which its state is saved, the same as Buildbot's scheduler of this kind. */
  readonly className: string;
  /** True: changes wake it, and it skips those that arrive while it is disabled. */
  readonly followsChanges: boolean;
  builderNames(options: Options): readonly string[];
  /** Resolves when it works. A rejection is logged and retried later, maybe by another master. */
  start(ctx: SchedulerContext, options: Options): Promise<Running>;
}

/** Every scheduler's options contain its name: unique in the cluster, and the name of its claim. */
type NamedOptions = z.ZodType<{ readonly name: string }>;

export interface SchedulerPlugin<S extends NamedOptions>
  extends Omit<SchedulerDefinition<z.output<S>>, "kind" | "options"> {
  readonly options: S;
}

/** Defines a scheduler. Each file default-exports the result, which a config calls. */
export function defineScheduler<S extends NamedOptions>(
  plugin: SchedulerPlugin<S>,
): (options: z.input<S>) => PluginDescriptor<"scheduler"> {
  const definition: SchedulerDefinition<z.output<S>> = { ...plugin, kind: "scheduler" };
  return (options) => ({ plugin: definition, options });
}
