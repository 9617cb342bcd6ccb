import type { LockUseConfig } from "@multimaster/config";
import type { Clock } from "@multimaster/core";
import { type Data, locks, type PendingRequest, type RequestAnswer, type RequestRank } from "@multimaster/data";
import type { PlaceableBuilder } from "@multimaster/placement";
import type { ConfiguredBuilder } from "../builds/configured-builder.ts";
import type { AttachedWorker } from "../workers/attached-worker.ts";
import { fixedUses, isNamedByFunction, keyOf } from "./builder-locks.ts";
import { FurtherRequests } from "./further-requests.ts";
import type { LockMetrics } from "./lock-metrics.ts";
import { LockQuestions, type PlacedForLocks, type Resting } from "./lock-questions.ts";
import { type HeldLocks, toHeldLocks, toLockUse } from "./lock-uses.ts";
import { LockViews } from "./lock-views.ts";
import { PollFindings } from "./poll-findings.ts";
import { RememberedWaits } from "./remembered-waits.ts";
import { WaitingRequests } from "./waiting-requests.ts";

/** The locks that a build begins with, or why they cannot be known: then the build ends with that. */
export interface BuildLocks extends HeldLocks {
  readonly problem?: string;
}

type Wanted = PlacedForLocks & {
  readonly uses: readonly LockUseConfig[];
  readonly problem?: string;
};

export interface RequestLocksOptions {
  readonly data: Data;
  readonly metrics: LockMetrics;
  readonly clock: Clock;
  readonly builders: ReadonlyMap<number, ConfiguredBuilder>;
  readonly workers: { readonly all: readonly AttachedWorker[] };
  /** Requests of the builder wait, since its function of `locks` is not called now. */
  onResting(builder: ConfiguredBuilder, resting: Resting): void;
  /** The function of `locks` has not answered yet for this request. */
  onAsking(placed: PlacedForLocks): void;
  /** A function has answered: a request may start now. */
  onAnswer(): void;
  /** The poll has tried requests in vain that it knows to wait now, and has left out others for them. */
  onLeftOut(): void;
  /** Requests of the builder are not tried in this poll, on one worker or on any, since this lock was found taken. */
  onTaken(builder: ConfiguredBuilder, lock: string, worker: AttachedWorker | undefined): void;
}

/**
 * The locks of builds that this engine would begin: claims requests together with them, and remembers which were not to be
 * had, so that a request that waits for a lock holds back none whose locks are free. Where a function names the locks, a poll
 * reads the first requests of a builder, those whose locks may be free now, and some of those behind: it costs the same however many wait.
 */
export class RequestLocks {
  #options: RequestLocksOptions;
  #findings = new PollFindings();
  #remembered = new RememberedWaits();
  #questions: LockQuestions;
  #further: FurtherRequests;
  #views: LockViews;
  #waiting: WaitingRequests;
  /** This poll has found a lock taken that was not known to be. */
  #hasLearnt = false;

  constructor(options: RequestLocksOptions) {
    this.#options = options;
    this.#questions = new LockQuestions(options);
    this.#further = new FurtherRequests({
      data: options.data,
      questions: this.#questions,
      remembered: this.#remembered,
      mustWait: (request) => this.#isKnownToWait(request),
    });
    this.#views = new LockViews({
      findings: this.#findings,
      questions: this.#questions,
      isTaken: (key, priority) => this.#isTaken(key, priority),
    });
    this.#waiting = new WaitingRequests(options);
  }

  /** Resolves when no function is being asked. */
  settled(): Promise<void> {
    return this.#questions.settled();
  }

  beginPoll(): void {
    this.#questions.beginPoll();
    this.#remembered.beginPoll(this.#options.clock.now());
    this.#further.beginPoll();
    this.#findings.begin();
    this.#hasLearnt = false;
  }

  /** Requests that could go no more but for their locks do not wait for these. */
  async endPoll(): Promise<void> {
    // Only the first that ask for a lock are in the rows: what is not even tried waits behind them.
    for (const { builder, lock } of this.#findings.taken(this.#options.builders))
      this.#options.onTaken(builder, lock.name, lock.worker);
    this.#further.endPoll(this.#findings.lastPassed);
    // Only what has been learnt makes the next poll get further: otherwise polls would follow each other without end.
    if (this.#hasLearnt && this.#further.isCut) this.#options.onLeftOut();
    await this.#waiting.keep((id) => this.#findings.isFound(id) || this.#waitsUnread(id));
  }

  /** It was not read in this poll, since its locks are known to be taken. */
  #waitsUnread(buildrequestid: number): boolean {
    const builderid = this.#remembered.builderOf(buildrequestid);
    return builderid !== undefined && this.#further.isOpen(builderid);
  }

  /** Whether enough of its first requests wait in this poll: no more of them are read. */
  isPassed(builderid: number): boolean {
    return this.#findings.isPassed(builderid);
  }

  /** Requests that are tried beside the first ones of their builders: their locks may be free. */
  async findFurther(builderids: readonly number[]): Promise<readonly PendingRequest[]> {
    const found = await this.#further.find(builderids);
    return found.filter(({ buildrequestid }) => !this.isDenied(buildrequestid));
  }

  isDenied(buildrequestid: number): boolean {
    return this.#findings.isDenied(buildrequestid);
  }

  /** How many more requests have to be read to get past those that wait. */
  get deniedCount(): number {
    return this.#findings.deniedCount;
  }

  /** Grows with whatever this poll finds out: then it is worth placing again. */
  get findings(): number {
    return this.#findings.count;
  }

  /** Whether it is known that the request waits, whatever the worker: then it is not tried in this poll. */
  mustWait(request: PendingRequest): boolean {
    const waits = this.#isKnownToWait(request);
    if (waits) this.#deny(request);
    return waits;
  }

  #isKnownToWait(request: PendingRequest): boolean {
    const builder = this.#options.builders.get(request.builderid);
    if (!builder || !isNamedByFunction(builder)) return false;
    const uses = this.#questions.remembered(builder, request.buildrequestid)?.uses ?? [];
    const taken = uses.find(({ lock }) => lock.scope === "cluster" && this.#isTaken(`/${lock.name}`, request.priority));
    if (!taken) return false;
    this.#options.onTaken(builder, taken.lock.name, undefined);
    this.#remember(request, uses, "");
    return true;
  }

  #isTaken(key: string, priority: number): boolean {
    return this.#findings.short(key) !== undefined || this.#remembered.isTaken(key, priority);
  }

  #remember(request: RequestRank, uses: readonly LockUseConfig[], workerName: string): void {
    this.#remembered.noteWait(
      request,
      uses.map((use) => keyOf(use, workerName)),
    );
  }

  /** What is placed next. */
  notePending(requests: readonly PendingRequest[]): void {
    this.#views.notePending(requests);
    this.#findings.notePending(requests);
  }

  /** As placement sees it now, with the locks that this poll has found taken. */
  view(builder: ConfiguredBuilder): PlaceableBuilder {
    return this.#views.view(builder);
  }

  /** The requests that were tried, and those of them that found a worker. */
  notePlaced(tried: readonly PendingRequest[], placed: readonly { readonly buildrequestid: number }[]): void {
    for (const request of this.#views.refused(tried, placed)) this.#deny(request);
  }

  /** Calls `wake` when a lock is released that a request here waits for. */
  onReleased(wake: () => void) {
    return this.#options.data.events.on(locks, "released", ({ id }) => {
      if (this.#remembered.released(id) || this.#waiting.isShortOf(id)) wake();
    });
  }

  /** Claims those that are free and whose locks can be had; returns what each of them has. */
  async claim(placed: readonly PlacedForLocks[]): Promise<ReadonlyMap<number, BuildLocks>> {
    await this.#questions.ask(placed.filter(({ builder }) => isNamedByFunction(builder)));
    const asked: Wanted[] = [];
    for (const one of placed) {
      const wanted = this.#findWanted(one);
      // Who is behind one that waits is not asked for: of a long queue only the first cost a transaction.
      const [taken] = wanted?.uses.flatMap((use) => this.#findings.short(keyOf(use, one.worker.name)) ?? []) ?? [];
      if (taken) this.#options.onTaken(one.builder, taken.name, taken.worker);
      if (wanted && taken) this.#noteInVain(wanted);
      else if (!wanted) this.#deny(one);
      else asked.push(wanted);
    }
    if (asked.length === 0) return new Map();
    const answers = await this.#options.data.updates.locks.claim(
      asked.map(({ buildrequestid, uses, worker }) => ({
        buildrequestid,
        uses: uses.map((use) => toLockUse(use, worker)),
      })),
    );
    const claimed = new Map<number, BuildLocks>();
    for (const [i, one] of asked.entries()) {
      const held = this.#note(one, answers[i]);
      if (held) claimed.set(one.buildrequestid, held);
    }
    return claimed;
  }

  /** Undefined: it is not known now which locks it needs. */
  #findWanted(placed: PlacedForLocks): Wanted | undefined {
    const { builder } = placed;
    if (!isNamedByFunction(builder)) return { ...placed, uses: fixedUses(builder) };
    const answer = this.#questions.find(placed);
    if (answer.kind === "rests") this.#options.onResting(builder, answer.rests);
    if (answer.kind === "asking") this.#options.onAsking(placed);
    return answer.kind === "named" ? { ...placed, ...answer } : undefined;
  }

  #note(one: Wanted, answer: RequestAnswer | undefined): BuildLocks | undefined {
    const { buildrequestid, uses, problem } = one;
    if (answer?.kind === "waits") {
      this.#noteWait(one, answer);
      this.#noteInVain(one);
      return undefined;
    }
    this.#remembered.forget(buildrequestid);
    const waitedMs = this.#waiting.end(buildrequestid);
    this.#questions.forget(one);
    if (answer?.kind !== "taken") return undefined;
    const { metrics } = this.#options;
    metrics.took("build", answer.locks.length);
    if (waitedMs !== undefined) metrics.waited("build", waitedMs);
    const held = toHeldLocks(uses, answer.locks);
    return problem === undefined ? held : { ...held, problem };
  }

  #noteWait({ buildrequestid, builder, uses, worker, priority }: Wanted, answer: RequestAnswer & { kind: "waits" }) {
    const { short, lockids } = answer;
    this.#findings.noteFound(buildrequestid);
    this.#waiting.note(buildrequestid, lockids);
    const isShort = new Set(short.map(({ name }) => name));
    for (const use of uses) {
      const { name, scope } = use.lock;
      if (!isShort.has(name)) continue;
      const key = keyOf(use, worker.name);
      this.#findings.noteShort(key, { name, worker: scope === "worker" ? worker : undefined });
      if (!isNamedByFunction(builder)) continue;
      const isNew = this.#remembered.noteTaken(key, { lockids, priority, now: this.#options.clock.now() });
      this.#hasLearnt ||= isNew;
    }
  }

  /** Some of its locks are taken. Where that depends on the worker, placement finds another one. */
  #noteInVain(one: Wanted): void {
    const { builder, buildrequestid, uses, worker } = one;
    const isByFunction = isNamedByFunction(builder);
    if (isByFunction) this.#remember(one, uses, worker.name);
    const isKnown = !isByFunction || this.#questions.remembered(builder, buildrequestid) !== undefined;
    if (isKnown && uses.some((use) => use.lock.scope === "cluster" && this.#findings.short(keyOf(use, ""))))
      return this.#deny(one);
    if (!isByFunction) return;
    this.#views.noteDependent(builder.builderid);
    if (this.#findings.noteVain(buildrequestid)) this.#deny(one);
  }

  #deny(request: RequestRank): void {
    this.#findings.deny(request, !this.#further.has(request.buildrequestid));
  }
}
