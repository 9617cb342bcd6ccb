import { type LockUseConfig, lockUses } from "@multimaster/config";
import type { Clock } from "@multimaster/core";
import { type Data, locks, type PendingRequest, type RequestAnswer, type RequestRank } from "@multimaster/data";
import type { HeldLock, PairObstacle, PlaceableBuilder, WorkerView } from "@multimaster/placement";
import type { ConfiguredBuilder } from "../builds/configured-builder.ts";
import { compareRanks } from "../start-rules/order-requests.ts";
import type { AttachedWorker } from "../workers/attached-worker.ts";
import { LockLaps } from "./lock-laps.ts";
import type { LockMetrics } from "./lock-metrics.ts";
import { LockQuestions, type PlacedForLocks, type Resting } from "./lock-questions.ts";
import { type HeldLocks, toHeldLocks, toLockUse } from "./lock-uses.ts";
import { RememberedWaits } from "./remembered-waits.ts";

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
  /** Requests of the builder are not tried in this poll, on one worker or on any, since this lock was found taken. */
  onTaken(builder: ConfiguredBuilder, lock: string, worker: AttachedWorker | undefined): void;
}

/** A lock that was found taken; `worker` of one that each worker has. */
interface ShortLock {
  readonly name: string;
  readonly worker: AttachedWorker | undefined;
}

/** Whether builds of this builder have locks. */
export const hasLocks = ({ config }: ConfiguredBuilder): boolean =>
  typeof config.locks === "function" || config.locks.length > 0;

const isNamedByFunction = ({ config }: ConfiguredBuilder) => typeof config.locks === "function";

/** What a builder's locks are for every build. */
const fixedUses = ({ config }: ConfiguredBuilder): readonly LockUseConfig[] =>
  typeof config.locks === "function" ? [] : lockUses.parse(config.locks);

const keyOf = ({ lock }: LockUseConfig, workerName: string) =>
  `${lock.scope === "worker" ? workerName : ""}/${lock.name}`;

const heldByOthers = (name: string): HeldLock => ({ name, holder: "another build", ahead: 0 });

/** How many requests of a builder, of those that come first, may wait in one poll before it reads no more of them. */
const mostFirst = 12;
/** Workers on which a poll tries a request whose locks depend on the worker. */
const mostWorkers = 3;

/**
 * The locks of builds that this engine would begin: claims requests together with them, and remembers which were not to be
 * had, so that a request that waits for a lock holds back none whose locks are free. Where a function names the locks, a poll
 * reads the first requests of a builder, those whose locks may be free now, and some of those behind: it costs the same however many wait.
 */
export class RequestLocks {
  #data: Data;
  #metrics: LockMetrics;
  #clock: Clock;
  #options: Pick<RequestLocksOptions, "builders" | "onResting" | "onAsking" | "onTaken">;
  #questions: LockQuestions;
  #remembered = new RememberedWaits();
  #laps: LockLaps;
  /** What this poll tries beside the first requests; undefined: it is not read yet. */
  #further: readonly PendingRequest[] | undefined;
  /** Builders whose functions have named locks that depend on the worker. */
  #dependent = new Set<number>();
  /** On how many workers this poll has tried a request in vain. */
  #tries = new Map<number, number>();
  /** How often it has done that. */
  #vain = 0;
  #priorities: ReadonlyMap<number, number> = new Map();
  /** Builders of which this poll could start a build. */
  #open: ReadonlySet<number> = new Set();
  /** Requests that the placement in progress has refused somewhere for their locks. */
  #touched = new Set<number>();
  /** By builder, the last in rank of the first requests that wait. */
  #lastFirst = new Map<number, RequestRank>();
  /** Locks that this poll has found taken. */
  #short = new Map<string, ShortLock>();
  /** Builders of which this poll has found pending requests. */
  #pendingOf = new Set<number>();
  /** Requests that this poll has found waiting. */
  #found = new Set<number>();
  /** Those of them that would wait on any worker: they are not tried again. */
  #denied = new Set<number>();
  /** How many those are, by builder. */
  #deniedOf = new Map<number, number>();
  /** Requests that wait in the rows, with the locks that they are short of. */
  #waiting = new Map<number, { readonly lockids: readonly number[]; readonly since: number }>();

  constructor(options: RequestLocksOptions) {
    this.#data = options.data;
    this.#metrics = options.metrics;
    this.#clock = options.clock;
    this.#options = options;
    this.#questions = new LockQuestions(options);
    this.#laps = new LockLaps({
      behind: (ranks, each) => this.#data.updates.buildrequests.behind(ranks, each),
      mustWait: (request) => this.#isKnownToWait(request),
    });
  }

  /** Resolves when no function is being asked. */
  settled(): Promise<void> {
    return this.#questions.settled();
  }

  beginPoll(): void {
    this.#questions.beginPoll();
    this.#remembered.beginPoll(this.#clock.now());
    this.#further = undefined;
    this.#open = new Set();
    this.#tries.clear();
    this.#lastFirst.clear();
    this.#short.clear();
    this.#pendingOf.clear();
    this.#found.clear();
    this.#denied.clear();
    this.#deniedOf.clear();
  }

  /** Whether enough of its first requests wait in this poll: no more of them are read. */
  isPassed(builderid: number): boolean {
    return (this.#deniedOf.get(builderid) ?? 0) >= mostFirst;
  }

  /** Requests that are tried beside the first ones of their builders: their locks may be free. */
  async findFurther(builderids: readonly number[]): Promise<readonly PendingRequest[]> {
    if (!this.#further) {
      this.#open = new Set(builderids);
      this.#further = await this.#readFurther(this.#open);
    }
    return this.#further.filter(({ buildrequestid }) => !this.#denied.has(buildrequestid));
  }

  async #readFurther(open: ReadonlySet<number>): Promise<readonly PendingRequest[]> {
    const behind = await this.#laps.read((builderid) => open.has(builderid));
    const wanted = new Set([...this.#remembered.firsts(), ...this.#questions.takeLate()]);
    for (const { buildrequestid } of behind) wanted.delete(buildrequestid);
    if (wanted.size === 0) return behind;
    const found = await this.#data.updates.buildrequests.claimable([...wanted]);
    for (const { buildrequestid } of found) wanted.delete(buildrequestid);
    // They are built, or have ended.
    for (const id of wanted) this.#remembered.forget(id);
    return [...found.filter(({ builderid }) => open.has(builderid)), ...behind];
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
    return this.#short.has(key) || this.#remembered.isTaken(key, priority);
  }

  #remember(request: RequestRank, uses: readonly LockUseConfig[], workerName: string): void {
    this.#remembered.noteWait(
      request,
      uses.map((use) => keyOf(use, workerName)),
    );
  }

  /** What is placed next. */
  notePending(requests: readonly PendingRequest[]): void {
    this.#touched.clear();
    this.#priorities = new Map(requests.map(({ buildrequestid, priority }) => [buildrequestid, priority]));
    for (const { builderid } of requests) this.#pendingOf.add(builderid);
  }

  /** Requests that could go no more but for their locks do not wait for these. */
  async endPoll(): Promise<void> {
    this.#reportTaken();
    for (const last of this.#lastFirst.values()) if (this.isPassed(last.builderid)) this.#laps.begin(last);
    const gone = [...this.#waiting.keys()].filter((id) => !this.#found.has(id) && !this.#waitsOn(id));
    for (const id of gone) this.#waiting.delete(id);
    this.#metrics.waiting("build", this.#waiting.size);
    if (gone.length === 0) return;
    await this.#data.updates.locks.withdraw(gone.map((buildrequestid) => ({ buildrequestid, stepid: 0 })));
  }

  /** It was not read in this poll, since its locks are known to be taken. */
  #waitsOn(buildrequestid: number): boolean {
    const builderid = this.#remembered.builderOf(buildrequestid);
    return builderid !== undefined && this.#open.has(builderid);
  }

  /** Only the first that ask for a lock are in the rows: what is not even tried waits behind them. */
  #reportTaken(): void {
    if (this.#short.size === 0) return;
    const { builders, onTaken } = this.#options;
    for (const id of this.#pendingOf) {
      const builder = builders.get(id);
      if (!builder) continue;
      for (const { lock } of fixedUses(builder))
        for (const { name, worker } of this.#short.values()) if (name === lock.name) onTaken(builder, name, worker);
    }
  }

  /** Calls `wake` when a lock is released that a request here waits for. */
  onReleased(wake: () => void) {
    return this.#data.events.on(locks, "released", ({ id }) => {
      if (this.#remembered.released(id)) return wake();
      for (const { lockids } of this.#waiting.values()) if (lockids.includes(id)) return wake();
    });
  }

  isDenied(buildrequestid: number): boolean {
    return this.#denied.has(buildrequestid);
  }

  /** How many more requests have to be read to get past those that wait. */
  get deniedCount(): number {
    let count = 0;
    for (const [builderid, denied] of this.#deniedOf) if (!this.isPassed(builderid)) count += denied;
    return count;
  }

  /** Grows with whatever this poll finds out: then it is worth placing again. */
  get findings(): number {
    return this.#found.size + this.#short.size + this.#vain;
  }

  /** As placement sees it now, with the locks that this poll has found taken. */
  view(builder: ConfiguredBuilder): PlaceableBuilder {
    const view = builder.view();
    if (this.#dependent.has(builder.builderid))
      return { ...view, refusesRequest: (worker, requestId) => this.#judge(builder, worker, requestId) };
    if (this.#short.size === 0 || !hasLocks(builder)) return view;
    const fixed = fixedUses(builder);
    const ofCluster = fixed.filter((use) => use.lock.scope === "cluster" && this.#short.has(keyOf(use, "")));
    const ofWorkers = fixed.filter(({ lock }) => lock.scope === "worker");
    return {
      ...view,
      heldLocks: ofCluster.map(({ lock }) => heldByOthers(lock.name)),
      refuses: (worker) => {
        const use = ofWorkers.find((one) => this.#short.has(keyOf(one, worker.name)));
        return use && { kind: "worker_locked", lock: heldByOthers(use.lock.name) };
      },
    };
  }

  /** What speaks against a request on a worker, where its locks depend on that. */
  #judge(builder: ConfiguredBuilder, { name }: WorkerView, requestId: number | undefined): PairObstacle | undefined {
    if (requestId === undefined) return undefined;
    const uses = this.#questions.remembered(builder, requestId, name)?.uses ?? [];
    const use = uses.find((one) => this.#isTaken(keyOf(one, name), this.#priorities.get(requestId) ?? 0));
    if (!use) return undefined;
    this.#touched.add(requestId);
    return { kind: "worker_locked", lock: heldByOthers(use.lock.name) };
  }

  /** The requests that were tried, and those of them that found a worker. */
  notePlaced(tried: readonly PendingRequest[], placed: readonly { readonly buildrequestid: number }[]): void {
    if (this.#touched.size === 0) return;
    const isPlaced = new Set(placed.map(({ buildrequestid }) => buildrequestid));
    for (const request of tried)
      if (this.#touched.has(request.buildrequestid) && !isPlaced.has(request.buildrequestid)) this.#deny(request);
  }

  /** Claims those that are free and whose locks can be had; returns what each of them has. */
  async claim(placed: readonly PlacedForLocks[]): Promise<ReadonlyMap<number, BuildLocks>> {
    await this.#questions.ask(placed.filter(({ builder }) => isNamedByFunction(builder)));
    const asked: Wanted[] = [];
    for (const one of placed) {
      const wanted = this.#findWanted(one);
      // Who is behind one that waits is not asked for: of a long queue only the first cost a transaction.
      const [taken] = wanted?.uses.flatMap((use) => this.#short.get(keyOf(use, one.worker.name)) ?? []) ?? [];
      if (taken) this.#options.onTaken(one.builder, taken.name, taken.worker);
      if (wanted && taken) this.#noteInVain(wanted);
      else if (!wanted) this.#deny(one);
      else asked.push(wanted);
    }
    if (asked.length === 0) return new Map();
    const answers = await this.#data.updates.locks.claim(
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

  #note(one: Wanted, answer: RequestAnswer | undefined): BuildLocks | undefined {
    const { buildrequestid, uses, worker, problem } = one;
    if (answer?.kind === "waits") {
      this.#found.add(buildrequestid);
      const since = this.#waiting.get(buildrequestid)?.since ?? this.#clock.now();
      this.#waiting.set(buildrequestid, { lockids: answer.lockids, since });
      for (const { name } of answer.short)
        for (const use of uses) {
          if (use.lock.name !== name) continue;
          const key = keyOf(use, worker.name);
          const ofWorker = use.lock.scope === "worker" ? worker : undefined;
          this.#short.set(key, { name, worker: ofWorker });
          if (!isNamedByFunction(one.builder)) continue;
          const { priority } = one;
          this.#remembered.noteTaken(key, { lockids: answer.lockids, priority, now: this.#clock.now() });
        }
      this.#noteInVain(one);
      return undefined;
    }
    this.#remembered.forget(buildrequestid);
    const waited = this.#waiting.get(buildrequestid);
    this.#waiting.delete(buildrequestid);
    this.#questions.forget(one);
    if (answer?.kind !== "taken") return undefined;
    this.#metrics.took("build", answer.locks.length);
    if (waited) this.#metrics.waited("build", this.#clock.now() - waited.since);
    const held = toHeldLocks(uses, answer.locks);
    return problem === undefined ? held : { ...held, problem };
  }

  /** Some of its locks are taken. Where that depends on the worker, placement finds another one. */
  #noteInVain(one: Wanted): void {
    const { builder, buildrequestid, uses, worker } = one;
    const isByFunction = isNamedByFunction(builder);
    if (isByFunction) this.#remember(one, uses, worker.name);
    const isKnown = !isByFunction || this.#questions.remembered(builder, buildrequestid) !== undefined;
    if (isKnown && uses.some((use) => use.lock.scope === "cluster" && this.#short.has(keyOf(use, ""))))
      return this.#deny(one);
    if (!isByFunction) return;
    this.#dependent.add(builder.builderid);
    const tries = (this.#tries.get(buildrequestid) ?? 0) + 1;
    this.#tries.set(buildrequestid, tries);
    this.#vain += 1;
    if (tries >= mostWorkers) this.#deny(one);
  }

  #deny(request: RequestRank): void {
    const { buildrequestid, builderid } = request;
    this.#found.add(buildrequestid);
    if (this.#denied.has(buildrequestid)) return;
    this.#denied.add(buildrequestid);
    if (this.#further?.some((one) => one.buildrequestid === buildrequestid)) return;
    this.#deniedOf.set(builderid, (this.#deniedOf.get(builderid) ?? 0) + 1);
    const last = this.#lastFirst.get(builderid);
    if (last === undefined || compareRanks(request, last) > 0) this.#lastFirst.set(builderid, request);
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
}
