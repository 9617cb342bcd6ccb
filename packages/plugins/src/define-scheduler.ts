import type { ConfigWarning, PluginDefinition, PluginDescriptor } from "@multimaster/config";
import type { Clock, Json, Logger } from "@multimaster/core";
import type { AddedBuildset, Change, ClassifiedChange, Lost, NewBuildset, PublishedScheduler } from "@multimaster/data";
import type { z } from "zod";
import type { Running } from "./running.ts";

/** What a scheduler made of a change. An ignored one is not seen again. */
export interface Verdict {
  changeid: number;
  verdict: "important" | "unimportant" | "ignored";
}

/** A buildset, and the classified changes that are in it. */
export interface Submission {
  /** The scheduler's name is filled in. */
  buildset: Omit<NewBuildset, "scheduler">;
  changeids: readonly number[];
}

/**
 * What a scheduler works with while this master has its claim. It sees neither rows nor topics: every operation is
 * durable and checked against the claim. "lost" means that another master has the claim by now: nothing was written and
 * this scheduler is about to be stopped; just return.
 */
export interface SchedulerContext {
  readonly name: string;
  readonly clock: Clock;
  readonly log: Logger;
  /** Aborts when it has to stop: the claim was lost, the scheduler was disabled, or the master drains. */
  readonly signal: AbortSignal;
  /** Changes it has not classified yet, oldest first, however long no one ran it. */
  unseenChanges(limit: number): Promise<readonly Change[]>;
  classify(verdicts: readonly Verdict[]): Promise<"done" | Lost>;
  /** The important and unimportant ones that are in no buildset yet. */
  classifiedChanges(): Promise<readonly ClassifiedChange[]>;
  /** Adds buildsets, takes their changes off the classified ones and saves state: all of it or nothing. */
  submit(
    submissions: readonly Submission[],
    state?: { name: string; value: Json },
  ): Promise<readonly AddedBuildset[] | Lost>;
  /** State saved with `submit`, by whichever master had the claim then. */
  getState(name: string): Promise<Json | undefined>;
  /** Replaces what it shows to the masters that do not load it: its kind, next run, form, what a trigger builds, its timer. */
  publish(published: PublishedScheduler): Promise<void>;
}

/** What the scheduler role asks of a scheduler. */
export interface SchedulerDefinition<Options = unknown> extends PluginDefinition<"scheduler"> {
  /** Risks of the options, such as what is open; paths begin at the options. */
  warnings?(options: Options): readonly ConfigWarning[];
  /** The class name under which its state is saved, as Buildbot's scheduler of the same kind has it. */
  readonly className: string;
  /** True: it is woken by changes, and those that come while it is disabled pass it by. */
  readonly followsChanges: boolean;
  builderNames(options: Options): readonly string[];
  /** Resolves when it works. A rejection is logged and tried again later, maybe by another master. */
  start(ctx: SchedulerContext, options: Options): Promise<Running>;
}

/** Every scheduler's options hold its name: unique in the cluster, and what is claimed. */
type NamedOptions = z.ZodType<{ readonly name: string }>;

export interface SchedulerPlugin<S extends NamedOptions>
  extends Omit<SchedulerDefinition<z.output<S>>, "kind" | "options"> {
  readonly options: S;
}

/** Defines a scheduler: one file, whose default export is what this returns and what a config calls. */
export function defineScheduler<S extends NamedOptions>(
  plugin: SchedulerPlugin<S>,
): (options: z.input<S>) => PluginDescriptor<"scheduler"> {
  const definition: SchedulerDefinition<z.output<S>> = { ...plugin, kind: "scheduler" };
  return (options) => ({ plugin: definition, options });
}
