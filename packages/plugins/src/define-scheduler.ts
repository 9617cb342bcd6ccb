import type { ConfigWarning, PluginDefinition, PluginDescriptor } from "@multimaster/config";
import type { Clock, Json, Logger } from "@multimaster/core";
import type {
  AddedBuildset,
  AskedBuilds,
  Change,
  ClassifiedChange,
  FailedSibling,
  Lost,
  NewBuildset,
  NewSourceStamp,
  OpenSource,
  PublishedScheduler,
  RequestOfChange,
  RequestPage,
  SlotDecision,
  SourceLine,
  UpstreamBuildset,
} from "@multimaster/data";
import type { z } from "zod";
import type { Running } from "./running.ts";

/** A scheduler's classification of a change. It does not get an ignored one again. */
export interface Verdict {
  changeid: number;
  verdict: "important" | "unimportant" | "ignored";
}

/** A buildset, and the changes in it. */
export interface Submission {
  /** Without the scheduler's name, which is added. Absent: the changes pass without being built. */
  buildset?: Omit<NewBuildset, "scheduler">;
  changeids: readonly number[];
}

/** What a scheduler is about to build, as the functions of its options see it. */
export interface PlannedBuildset {
  readonly scheduler: string;
  readonly reason: string;
  /** One for each codebase. */
  readonly sourceStamps: readonly NewSourceStamp[];
  /** The changes in it, oldest first, with their files and properties. Without changes: none. */
  readonly changes: readonly Change[];
  /** The build that triggered it, and the properties that it gives on; null: none did. */
  readonly trigger: {
    readonly builder: string;
    readonly number: number;
    readonly properties: Readonly<Record<string, Json>>;
  } | null;
}

/** A value that is saved with what a scheduler decides. */
export interface SavedState {
  name: string;
  value: Json;
}

/** What a scheduler decides about a time, or about another scheduler's buildset: once in the cluster. */
export interface Decision extends Omit<SlotDecision, "submission" | "states"> {
  submission?: Submission | undefined;
  states?: readonly SavedState[] | undefined;
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
  submit(submissions: readonly Submission[], state?: SavedState): Promise<readonly AddedBuildset[] | Lost>;
  /**
   * Since when it counts the slots of `spec`, in seconds by the database's clock: since it first ran, was enabled again, or
   * `spec` became another one; and the newest time that was decided.
   */
  openSlots(spec: string): Promise<{ now: number; since: number; last: number | null } | Lost>;
  /**
   * Buildsets of these schedulers that have succeeded, of which it has decided nothing; after `openSlots`. A page of those with
   * higher ids than `after`; an empty one is the last.
   */
  undecidedBuildsets(of: readonly string[], after: number): Promise<readonly UpstreamBuildset[]>;
  /** Decides a slot, with its buildset, in one transaction. "taken": it was decided before, and nothing was written. */
  decideSlot(decision: Decision): Promise<AddedBuildset | "decided" | "taken" | Lost>;
  /** Open requests with changes of this source, all older than change `below`, in these builders; without those that users asked for. */
  openRequestsOf(
    source: SourceLine,
    builders: readonly string[],
    page: RequestPage & { below: number },
  ): Promise<readonly OpenSource[]>;
  /** Which of these builders have a request for which of these changes, of which scheduler: pending, running or complete, but not cancelled. */
  requestsOfChanges(changeids: readonly number[], builders: readonly string[]): Promise<readonly RequestOfChange[]>;
  /** Open requests, of `cancels` if given, of buildsets in which a build of these builders has failed. */
  openSiblingsOfFailed(
    of: { readonly builders: readonly string[]; readonly cancels?: readonly string[] | undefined },
    page: RequestPage,
  ): Promise<readonly FailedSibling[]>;
  /** Cancels requests, each once in the cluster; with `pendingOnly` those that are not being built. Resolves to those it cancelled. */
  cancelAll(
    requests: readonly { readonly buildrequestid: number; readonly reason: string }[],
    pendingOnly: boolean,
  ): Promise<readonly number[]>;
  /** What builds have triggered and it has not decided, oldest first: of a scheduler that publishes `triggerable.asks`. */
  openTriggers(): Promise<readonly AskedBuilds[]>;
  /**
   * Adds the buildset of a trigger, or refuses it with a sentence, so that the triggering step fails. "taken", with nothing
   * written: it was decided before, or the build that asked is over.
   */
  decideTrigger(
    id: number,
    decision: { buildset: NonNullable<Submission["buildset"]> } | { refused: string },
  ): Promise<AddedBuildset | "refused" | "taken" | Lost>;
  /** Changes by their ids, in that order, with files and properties. */
  readChanges(ids: readonly number[]): Promise<readonly Change[]>;
  /** Those of the names that no engine has ever configured as a builder. */
  unknownBuilders(names: readonly string[]): Promise<readonly string[]>;
  /** Shows what keeps it from building, such as an error in a function of the config; null: nothing does. */
  setProblem(problem: string | null): Promise<void>;
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
  readonly followsChanges: boolean | ((options: Options) => boolean);
  builderNames(options: Options): readonly string[];
  /** Names of the schedulers whose buildsets it waits for: it is woken when a buildset is complete. */
  upstreams?(options: Options): readonly string[];
  /** True: it is woken when a build request ends. */
  readonly followsRequests?: boolean;
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
