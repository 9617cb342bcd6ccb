import { type LockUseConfig, lockUses } from "@multimaster/config";
import type { Clock } from "@multimaster/core";
import { type Data, locks, type RequestAnswer } from "@multimaster/data";
import type { HeldLock, PlaceableBuilder } from "@multimaster/placement";
import type { ConfiguredBuilder } from "../builds/configured-builder.ts";
import type { AttachedWorker } from "../workers/attached-worker.ts";
import type { LockMetrics } from "./lock-metrics.ts";
import { LockQuestions, type PlacedForLocks, type Resting } from "./lock-questions.ts";
import { type HeldLocks, toHeldLocks, toLockUse } from "./lock-uses.ts";

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

/** What a builder's locks are for every build. */
const fixedUses = ({ config }: ConfiguredBuilder): readonly LockUseConfig[] =>
  typeof config.locks === "function" ? [] : lockUses.parse(config.locks);

const keyOf = ({ lock }: LockUseConfig, workerName: string) =>
  `${lock.scope === "worker" ? workerName : ""}/${lock.name}`;

const heldByOthers = (name: string): HeldLock => ({ name, holder: "another build", ahead: 0 });

/** Requests of one builder that are tried in one poll, where functions say which locks they need. */
const mostTried = 30;

/**
 * The locks of builds that this engine would begin: claims requests together with them, and remembers in one poll which
 * were not to be had, so that a request that waits for a lock holds back none that needs no lock.
 */
export class RequestLocks {
  #data: Data;
  #metrics: LockMetrics;
  #clock: Clock;
  #options: Pick<RequestLocksOptions, "builders" | "onResting" | "onAsking" | "onTaken">;
  #questions: LockQuestions;
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
  }

  /** Resolves when no function is being asked. */
  settled(): Promise<void> {
    return this.#questions.settled();
  }

  beginPoll(): void {
    this.#questions.beginPoll();
    this.#short.clear();
    this.#pendingOf.clear();
    this.#found.clear();
    this.#denied.clear();
    this.#deniedOf.clear();
  }

  notePending(requests: readonly { readonly builderid: number }[]): void {
    for (const { builderid } of requests) this.#pendingOf.add(builderid);
  }

  /** Requests that could go no more but for their locks do not wait for these. */
  async endPoll(): Promise<void> {
    this.#reportTaken();
    const gone = [...this.#waiting.keys()].filter((id) => !this.#found.has(id));
    for (const id of gone) this.#waiting.delete(id);
    this.#metrics.waiting("build", this.#waiting.size);
    if (gone.length === 0) return;
    await this.#data.updates.locks.withdraw(gone.map((buildrequestid) => ({ buildrequestid, stepid: 0 })));
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
      for (const { lockids } of this.#waiting.values()) if (lockids.includes(id)) return wake();
    });
  }

  isDenied(buildrequestid: number): boolean {
    return this.#denied.has(buildrequestid);
  }

  get deniedCount(): number {
    return this.#denied.size;
  }

  /** Grows with whatever this poll finds out: then it is worth placing again. */
  get findings(): number {
    return this.#found.size + this.#short.size;
  }

  /** As placement sees it now, with the locks that this poll has found taken. */
  view(builder: ConfiguredBuilder): PlaceableBuilder {
    const view = builder.view();
    if (this.#short.size === 0 || !hasLocks(builder)) return view;
    // So that a poll costs the same however many wait.
    if ((this.#deniedOf.get(builder.builderid) ?? 0) >= mostTried)
      return { ...view, heldLocks: [heldByOthers("of its builds")] };
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

  /** Claims those that are free and whose locks can be had; returns what each of them has. */
  async claim(placed: readonly PlacedForLocks[]): Promise<ReadonlyMap<number, BuildLocks>> {
    await this.#questions.ask(placed.filter(({ builder }) => typeof builder.config.locks === "function"));
    const asked: Wanted[] = [];
    for (const one of placed) {
      const wanted = this.#findWanted(one);
      // Who is behind one that waits is not asked for: of a long queue only the first cost a transaction.
      const [taken] = wanted?.uses.flatMap((use) => this.#short.get(keyOf(use, one.worker.name)) ?? []) ?? [];
      if (taken) this.#options.onTaken(one.builder, taken.name, taken.worker);
      if (!wanted || taken) this.#deny(one);
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
          const ofWorker = use.lock.scope === "worker" ? worker : undefined;
          this.#short.set(keyOf(use, worker.name), { name, worker: ofWorker });
          // Of a lock of each worker that is known before, placement finds another worker.
          if (use.lock.scope === "cluster" || typeof one.builder.config.locks === "function") this.#deny(one);
        }
      return undefined;
    }
    const waited = this.#waiting.get(buildrequestid);
    this.#waiting.delete(buildrequestid);
    this.#questions.forget(one);
    if (answer?.kind !== "taken") return undefined;
    this.#metrics.took("build", answer.locks.length);
    if (waited) this.#metrics.waited("build", this.#clock.now() - waited.since);
    const held = toHeldLocks(uses, answer.locks);
    return problem === undefined ? held : { ...held, problem };
  }

  #deny({ buildrequestid, builder: { builderid } }: PlacedForLocks): void {
    this.#found.add(buildrequestid);
    if (this.#denied.has(buildrequestid)) return;
    this.#denied.add(buildrequestid);
    this.#deniedOf.set(builderid, (this.#deniedOf.get(builderid) ?? 0) + 1);
  }

  /** Undefined: it is not known now which locks it needs. */
  #findWanted(placed: PlacedForLocks): Wanted | undefined {
    const { builder } = placed;
    if (typeof builder.config.locks !== "function") return { ...placed, uses: fixedUses(builder) };
    const answer = this.#questions.find(placed);
    if (answer.kind === "rests") this.#options.onResting(builder, answer.rests);
    if (answer.kind === "asking") this.#options.onAsking(placed);
    return answer.kind === "named" ? { ...placed, ...answer } : undefined;
  }
}
