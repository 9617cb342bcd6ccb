import type { Json, Result, SourcedProperties } from "@multimaster/core";
import type { BuildEnd } from "@multimaster/lifecycle";
import type { BuilderUpdates } from "./contract/builders.ts";
import type { LoginUpdates } from "./contract/logins.ts";
import type { LogUpdates } from "./contract/logs.ts";
import type { OrderUpdates } from "./contract/orders.ts";
import type { TestResultUpdates } from "./contract/test-results.ts";
import type { WorkerUpdates } from "./contract/workers.ts";
import type { Trail } from "./model/actor.ts";
import type { Change } from "./resources/changes.ts";
import type { SourceStamp } from "./resources/sourcestamps.ts";
import type { AuditUpdates } from "./updates/audit.ts";
import type { TriggerableSpec, TriggerUpdates } from "./updates/trigger-interface.ts";

/**
 * What may be written, noun by noun. Every method commits before it publishes its events, and resolves after the commit.
 *
 * Methods marked *fenced* check this master's lease in the same transaction and throw `LeaseLost` when it was evicted:
 * that ends everything this master does, so callers let it pass. Losing a single claim is a result, never an exception.
 */
export interface Updates {
  readonly masters: MasterUpdates;
  readonly orders: OrderUpdates;
  readonly logins: LoginUpdates;
  readonly audit: AuditUpdates;
  readonly builders: BuilderUpdates;
  readonly workers: WorkerUpdates;
  readonly commands: CommandUpdates;
  readonly changes: ChangeUpdates;
  readonly changeSources: ChangeSourceUpdates;
  readonly schedulers: SchedulerUpdates;
  readonly buildsets: BuildsetUpdates;
  readonly triggers: TriggerUpdates;
  readonly buildrequests: BuildRequestUpdates;
  readonly builds: BuildUpdates;
  readonly steps: StepUpdates;
  readonly logs: LogUpdates;
  readonly testResults: TestResultUpdates;
  /**
   * Resolves when everything done in the background is over: events on their way, logs being compressed. Called once
   * the roles have stopped, before the bus and the database are closed.
   */
  close(): Promise<void>;
}

/** The outcome of an act that needs a claim which another master may have. */
export type Lost = "lost";

// ---- masters -------------------------------------------------------------------------------------------------------

export interface MasterUpdates {
  /** Publishes `masters.<id>.started`. */
  announceStarted(): Promise<void>;
  /** Evicts masters whose lease has expired and publishes what changed thereby. Run by every master's loop. */
  evictDead(): Promise<void>;
  /** Deletes rows of the outbox that no one needs any more. */
  pruneOutbox(): Promise<void>;
  /** When those of these masters last renewed whose lease is still there. */
  renewals(masterids: readonly number[]): Promise<ReadonlyMap<number, number>>;
}

// ---- workers -------------------------------------------------------------------------------------------------------

export interface CommandUpdates {
  /** Records a command before it is sent (fenced), so that whoever gets the worker next can interrupt it. */
  record(command: {
    commandId: string;
    workerid: number;
    buildid: number;
    stepid: number;
    name: string;
  }): Promise<void>;
  /** The command has completed; nothing may run under this id any more. */
  forget(commandIds: readonly string[]): Promise<void>;
  /** Commands this worker may still run, of whichever master or epoch. */
  ofWorker(workerid: number): Promise<{ commandId: string; buildid: number | null }[]>;
}

// ---- changes -------------------------------------------------------------------------------------------------------

export interface NewChange {
  author: string;
  committer?: string | null;
  comments: string;
  files?: readonly string[];
  revision?: string | null;
  branch?: string | null;
  /** Seconds since the epoch from the version control system; now when absent. */
  whenTimestamp?: number;
  category?: string | null;
  revlink?: string;
  repository?: string;
  project?: string;
  codebase?: string;
  /** Values by name; their source is "Change". */
  properties?: Readonly<Record<string, Json>>;
}

export interface ChangeUpdates {
  /** Adds a change; with the same `delivery` id a second call adds nothing and answers with the first change. */
  add(
    change: NewChange,
    options?: { delivery?: string | undefined; trail?: Trail },
  ): Promise<{ changeid: number; added: boolean }>;
  /**
   * Adds all changes of one delivery, oldest first, in transactions of a hundred at most. The n-th change is known as
   * `delivery/n`, so that a delivery that comes again adds only what is not there yet: nothing, or what was left when somebody
   * died over it. Resolves to the new change ids, once all changes are stored.
   */
  addDelivered(delivery: string | undefined, changes: readonly NewChange[]): Promise<number[]>;
}

export interface ChangeSourceUpdates {
  register(names: readonly string[]): Promise<ReadonlyMap<string, number>>;
  /** Claims the change source (fenced); "claimed" as well when this master already has it. */
  claim(changesourceid: number): Promise<"claimed" | Lost>;
  release(changesourceid: number): Promise<void>;
  /** Saved state, as Buildbot keeps it (objects.name, objects.class_name, object_state.name); undefined when none. */
  getState(source: StateKey): Promise<Json | undefined>;
  /**
   * Adds what a poll found and saves how far it got in one transaction (fenced, claim checked): a crash in between
   * neither loses nor doubles a change. Resolves to the new change ids.
   */
  addPolled(
    changesourceid: number,
    changes: readonly NewChange[],
    state: StateKey & { value: Json },
  ): Promise<number[] | Lost>;
  /** Asks change sources to look at once, whoever has them: a row each, then a `control.changesources.<id>.poll`. */
  requestPolls(changesourceids: readonly number[]): Promise<void>;
  /** Those of them that this master has and that were asked since the last call (fenced). */
  takePollRequests(changesourceids: readonly number[]): Promise<number[]>;
}

export interface StateKey {
  /** objects.name: the service's name. */
  object: string;
  /** objects.class_name, such as "GitPoller". */
  className: string;
  /** object_state.name, such as "lastRev". */
  name: string;
}

// ---- schedulers ----------------------------------------------------------------------------------------------------

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

/** How long nothing must come before a scheduler builds. */
export interface TreeTimer {
  seconds: number;
  /** Each branch of a repository has its own timer; or else there is one for all. */
  perBranch: boolean;
  /** It builds at the latest so long after the first change; absent or null: without a limit. */
  mostSeconds?: number | null;
}

export interface SchedulerUpdates {
  /**
   * Finds or creates the rows, with cursors for those that follow changes (default: all), all names in one transaction.
   * A scheduler new to a cluster that already had schedulers starts with the next change; the first schedulers of a
   * fresh database read every change, so that one added before any scheduler ran is not missed.
   */
  register(names: readonly string[], followers?: readonly string[]): Promise<ReadonlyMap<string, number>>;
  /** Claims the scheduler (fenced); "claimed" as well when this master already has it. */
  claim(schedulerid: number): Promise<"claimed" | Lost>;
  release(schedulerid: number): Promise<void>;
  isEnabled(schedulerid: number): Promise<boolean>;
  setEnabled(schedulerid: number, enabled: boolean, trail?: Trail): Promise<void>;
  /** What UI masters need to list and validate a force scheduler: the REST shape of `forceschedulers` (fenced). */
  publishForceSpec(schedulerid: number, spec: Json): Promise<void>;
  /** What engines need to trigger it, though none of them loads the schedulers (fenced). */
  publishTriggerable(schedulerid: number, spec: TriggerableSpec): Promise<void>;
  /** For how long changes wait for others, so that people can be told (fenced); null: they do not. */
  publishTreeTimer(schedulerid: number, timer: TreeTimer | null): Promise<void>;
  /**
   * Changes this scheduler has not looked at, oldest first. Ids commit out of order: an id that appears late below
   * others is still delivered (cursor = floor + set of seen ids).
   */
  unseenChanges(schedulerid: number, limit: number): Promise<Change[]>;
  /** Notes what the scheduler made of changes (fenced, claim checked): rows for the wanted ones, seen for all. */
  classify(
    schedulerid: number,
    verdicts: readonly { changeid: number; verdict: "important" | "unimportant" | "ignored" }[],
  ): Promise<"done" | Lost>;
  classifiedChanges(schedulerid: number): Promise<ClassifiedChange[]>;
  /**
   * One transaction (fenced, claim checked): adds each buildset, removes its changes from the classified ones and
   * saves state. A change is thereby in exactly one buildset of this scheduler, whenever the master dies. Lost, with
   * nothing written, also when one of the changes is not among the classified ones: an earlier call has submitted it.
   */
  submit(
    schedulerid: number,
    submissions: readonly { buildset: NewBuildset; changeids: readonly number[] }[],
    state?: StateKey & { value: Json },
  ): Promise<AddedBuildset[] | Lost>;
  getState(source: StateKey): Promise<Json | undefined>;
}

// ---- buildsets, build requests -------------------------------------------------------------------------------------

export interface NewSourceStamp {
  branch: string | null;
  revision: string | null;
  repository: string;
  project: string;
  codebase: string;
}

export interface NewBuildset {
  reason: string;
  /** Existing source stamps by id, or new ones (found or created by their hash). At least one. */
  sourceStamps: readonly (NewSourceStamp | number)[];
  /** Builders by name (rows are made when no engine has announced them yet) or by id. */
  builders: readonly (string | number)[];
  properties?: SourcedProperties;
  /** Name of the scheduler, "rebuild", or null; part of the `buildsets.<id>.new` event. */
  scheduler: string | null;
  externalId?: string | null;
  priority?: number;
  waitedFor?: boolean;
  parentBuildid?: number | null;
  parentRelationship?: string | null;
  rebuiltBuildid?: number | null;
  /** Who asked for it, as the server knows them: rights of an owner hang off this, and off no property. */
  askedBy?: { readonly identity: string; readonly name: string } | undefined;
}

export interface AddedBuildset {
  bsid: number;
  /** Build request ids by builder id. */
  requests: Readonly<Record<string, number>>;
}

export interface BuildsetUpdates {
  add(buildset: NewBuildset, trail?: Trail): Promise<AddedBuildset>;
  /** Completes buildsets whose last request was completed by somebody who died before completing them. */
  completeFinished(): Promise<void>;
}

export interface PendingRequest {
  buildrequestid: number;
  builderid: number;
  buildsetid: number;
  priority: number;
  submittedAt: number;
}

/** Everything a build needs to know of what asked for it. */
export interface RequestDetails {
  buildrequestid: number;
  buildsetid: number;
  builderid: number;
  reason: string;
  waitedFor: boolean;
  properties: SourcedProperties;
  sourceStamps: readonly SourceStamp[];
  /** Changes of the source stamps, oldest first. */
  changes: readonly Change[];
}

export interface BuildRequestUpdates {
  /** Unclaimed requests of these builders: highest priority first, then the oldest; pushed to SQL, index served. */
  pending(builderids: readonly number[], limit: number): Promise<PendingRequest[]>;
  /** Free requests of these builders that a running build of this master waits for, directly or not; most urgent first. */
  awaited(
    builderids: readonly number[],
    limit: number,
  ): Promise<Pick<PendingRequest, "buildrequestid" | "builderid">[]>;
  /** Claims as many of them as are still free, in one fenced statement; resolves to the ids that are now this master's. */
  claim(buildrequestids: readonly number[]): Promise<number[]>;
  /**
   * Gives claims of this master back, ends as RETRY what is left of builds of theirs, and wakes the engines. "failed":
   * their builds could not be written here; that counts as a death of the engine does.
   */
  unclaim(buildrequestids: readonly number[], why?: "failed"): Promise<void>;
  /** Incomplete requests claimed by this master: those it does not know of are claims whose answer was lost. */
  claimedByMe(): Promise<number[]>;
  details(buildrequestid: number): Promise<RequestDetails | undefined>;
  /**
   * Any master may call it: a pending request is completed CANCELLED at once; of a claimed one the running builds are
   * asked to stop, durably, and the request will end CANCELLED even if its engine dies.
   */
  cancel(
    buildrequestid: number,
    reason: string,
    trail?: Trail,
  ): Promise<"cancelled" | "stopping" | "complete" | "unknown">;
  setPriority(buildrequestid: number, priority: number, trail?: Trail): Promise<"done" | "unknown">;
}

// ---- builds, steps, logs -------------------------------------------------------------------------------------------

export interface StopRequest {
  buildid: number;
  reason: string;
  results: Result;
}

export type { BuildEnd };

export interface BuildUpdates {
  /** Inserts the build row with the builder's next number (fenced; the request's claim is checked). No event yet. */
  create(build: {
    buildrequestid: number;
    workerid: number;
  }): Promise<{ buildid: number; number: number; builderid: number } | Lost>;
  /** Publishes `builds.<id>.new`, once, after properties and the state "starting" were written. */
  announce(buildid: number): Promise<void>;
  setState(buildid: number, state: string): Promise<void>;
  /** Upserts the given properties (fenced) and publishes only them. */
  setProperties(buildid: number, properties: SourcedProperties): Promise<void>;
  /**
   * Ends the build and everything above it in one fenced transaction: RETRY frees the request for any engine (unless it
   * was cancelled), any other result completes it, and the last request completes its buildset with the worst result.
   * A RETRY whose worker was lost is counted; one too many ends the request as EXCEPTION. Resolves to how the build ended.
   */
  finish(buildid: number, end: BuildEnd): Promise<BuildEnd>;
  /** Asks whoever runs the build to stop it: durable, then a `control.builds.<id>.stop` message. */
  requestStop(buildid: number, reason: string, trail?: Trail): Promise<"stopping" | "complete" | "unknown">;
  /** Stop requests for these running builds; the engine polls it beside listening. */
  stopRequests(buildids: readonly number[]): Promise<StopRequest[]>;
  /** A new buildset of the same source stamps, properties and builder, linked to the first build of the chain. */
  rebuild(
    buildid: number,
    by?: { readonly asker: NonNullable<NewBuildset["askedBy"]>; readonly trail: Trail },
  ): Promise<AddedBuildset | "unknown">;
}

export interface StepUpdates {
  /**
   * Adds a step row; a taken name gets `_1`, `_2`… (fenced). Called again before the step was started, because the answer
   * was lost, it gives the same row.
   */
  add(step: { buildid: number; name: string }): Promise<{ stepid: number; number: number; name: string }>;
  /** Marks it started, with locks acquired at the same time. */
  start(stepid: number): Promise<void>;
  setState(stepid: number, state: string): Promise<void>;
  addUrl(stepid: number, name: string, url: string): Promise<void>;
  /** Ends the step (fenced), with its last state text and whether the UI hides it. */
  finish(stepid: number, end: { results: Result; state: string; hidden: boolean }): Promise<void>;
}
