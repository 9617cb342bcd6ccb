import type { PendingRequest } from "@multimaster/data";
import type { HeldLock, PairObstacle, PlaceableBuilder, WorkerView } from "@multimaster/placement";
import type { ConfiguredBuilder } from "../builds/configured-builder.ts";
import { fixedUses, hasLocks, keyOf } from "./builder-locks.ts";
import type { LockQuestions } from "./lock-questions.ts";
import type { PollFindings } from "./poll-findings.ts";

const heldByOthers = (name: string): HeldLock => ({ name, holder: "another build", ahead: 0 });

export interface LockViewsOptions {
  readonly findings: PollFindings;
  readonly questions: LockQuestions;
  /** Whether the lock counts as taken for a request of this priority. */
  isTaken(key: string, priority: number): boolean;
}

/** What placement sees of locks: those that a poll has found taken keep requests from workers. */
export class LockViews {
  #options: LockViewsOptions;
  /** Builders whose functions have named locks that depend on the worker. */
  #dependent = new Set<number>();
  #priorities: ReadonlyMap<number, number> = new Map();
  /** Requests that the placement in progress has refused somewhere. */
  #refused = new Set<number>();

  constructor(options: LockViewsOptions) {
    this.#options = options;
  }

  noteDependent(builderid: number): void {
    this.#dependent.add(builderid);
  }

  /** What is placed next. */
  notePending(requests: readonly PendingRequest[]): void {
    this.#refused.clear();
    this.#priorities = new Map(requests.map(({ buildrequestid, priority }) => [buildrequestid, priority]));
  }

  /** Of the requests that were tried, those that were refused somewhere and placed nowhere. */
  refused(
    tried: readonly PendingRequest[],
    placed: readonly { readonly buildrequestid: number }[],
  ): readonly PendingRequest[] {
    if (this.#refused.size === 0) return [];
    const isPlaced = new Set(placed.map(({ buildrequestid }) => buildrequestid));
    return tried.filter(({ buildrequestid }) => this.#refused.has(buildrequestid) && !isPlaced.has(buildrequestid));
  }

  /** As placement sees the builder now. */
  view(builder: ConfiguredBuilder): PlaceableBuilder {
    const { findings } = this.#options;
    const view = builder.view();
    if (this.#dependent.has(builder.builderid))
      return { ...view, refusesRequest: (worker, requestId) => this.#judge(builder, worker, requestId) };
    if (!findings.hasShort || !hasLocks(builder)) return view;
    const fixed = fixedUses(builder);
    const ofCluster = fixed.filter((use) => use.lock.scope === "cluster" && findings.short(keyOf(use, "")));
    const ofWorkers = fixed.filter(({ lock }) => lock.scope === "worker");
    return {
      ...view,
      heldLocks: ofCluster.map(({ lock }) => heldByOthers(lock.name)),
      refuses: (worker) => {
        const use = ofWorkers.find((one) => findings.short(keyOf(one, worker.name)));
        return use && { kind: "worker_locked", lock: heldByOthers(use.lock.name) };
      },
    };
  }

  /** What speaks against a request on a worker, where its locks depend on that. */
  #judge(builder: ConfiguredBuilder, { name }: WorkerView, requestId: number | undefined): PairObstacle | undefined {
    if (requestId === undefined) return undefined;
    const { questions, isTaken } = this.#options;
    const uses = questions.remembered(builder, requestId, name)?.uses ?? [];
    const use = uses.find((one) => isTaken(keyOf(one, name), this.#priorities.get(requestId) ?? 0));
    if (!use) return undefined;
    this.#refused.add(requestId);
    return { kind: "worker_locked", lock: heldByOthers(use.lock.name) };
  }
}
