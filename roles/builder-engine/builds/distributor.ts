import { isLeaseLoss } from "@multimaster/cluster";
import { type Clock, type Failure, type Logger, type Service, WakeupLoop } from "@multimaster/core";
import { buildrequests, type Data, type RequestRank } from "@multimaster/data";
import {
  judgeWorker,
  listStartable,
  type PlaceableBuilder,
  placeRequests,
  type WorkerView,
} from "@multimaster/placement";
import { Collapser } from "../collapsing/collapser.ts";
import { hasLocks } from "../locks/builder-locks.ts";
import type { LockMetrics } from "../locks/lock-metrics.ts";
import { type BuildLocks, RequestLocks } from "../locks/request-locks.ts";
import type { LoopWatchdog } from "../loop-watchdog.ts";
import { Approvals } from "../start-rules/approvals.ts";
import { StartRules, type StartRulesOptions } from "../start-rules/start-rules.ts";
import type { AttachedWorker, AttachedWorkers } from "../workers/attached-worker.ts";
import type { ConfiguredBuilder } from "./configured-builder.ts";
import { EventSubscriptions } from "./event-subscriptions.ts";
import type { RunningBuilds } from "./running-builds.ts";
import { StrayClaims } from "./stray-claims.ts";

export interface DistributorOptions {
  /** Filled when the builders' rows are made. */
  builders: ReadonlyMap<number, ConfiguredBuilder>;
  workers: AttachedWorkers;
  builds: RunningBuilds;
  /** What the config says of who goes first and where. */
  rules: Pick<StartRulesOptions, "config" | "functions">;
  data: Data;
  metrics: LockMetrics;
  watchdog: Pick<LoopWatchdog, "enter" | "leave">;
  clock: Clock;
  log: Logger;
  /** The lease is gone. */
  onLeaseLost(): void;
}

const pollMs = 5000;
interface Chosen extends RequestRank {
  builder: ConfiguredBuilder;
  worker: AttachedWorker;
  isOnLastTry: boolean;
}

/** Claims in a row that got nothing, because others were faster, after which the next look is waited for. */
const maxMisses = 3;

/**
 * Finds pending requests that can run here now, claims them and starts their builds: highest priority first, then the
 * oldest, over all builders. It claims no more than it can start, so that what it cannot is left to other engines.
 */
export class Distributor implements Service {
  readonly name = "distributor";
  #options: DistributorOptions;
  #loop: WakeupLoop;
  #events: EventSubscriptions;
  #stopListening: (() => void)[];
  #mode: "open" | "draining" | "stopped" = "open";
  #looking: Promise<void> = Promise.resolve();
  /** Ids whose claim is being made. */
  #claiming = new Set<number>();
  #strays: StrayClaims;
  #locks: RequestLocks;
  #collapser: Collapser;
  #rules: StartRules;
  #approvals: Approvals;

  /** Functions of earlier configs that are still asked. */
  #settling: Promise<unknown> = Promise.resolve();

  constructor(options: DistributorOptions) {
    const { data, metrics, clock, log, workers, builders } = options;
    this.#options = options;
    this.#loop = this.#makeLoop();
    this.#events = new EventSubscriptions(log);
    this.#locks = new RequestLocks({
      data,
      metrics,
      clock,
      builders,
      workers,
      onResting: ({ builderid }, resting) => this.#rules.noteResting(builderid, "locks", resting),
      onAsking: (placed) => this.#rules.noteAsking(placed),
      onAnswer: () => this.#loop.wake(),
      onLeftOut: () => this.#loop.wake(),
      onTaken: ({ builderid }, lock, worker) => this.#rules.noteTaken(builderid, lock, worker),
    });
    this.#collapser = this.#makeCollapser();
    this.#rules = this.#makeRules(options.rules);
    this.#approvals = new Approvals({ builders, data });
    this.#strays = new StrayClaims(options);
    this.#events.add(() => this.#locks.onReleased(() => this.#loop.wake()));
    for (const event of ["new", "unclaimed"] as const)
      this.#events.add(() =>
        data.events.onPartOf(
          buildrequests,
          event,
          "builderid",
          (builderid) => {
            if (!builders.has(builderid)) return;
            this.#collapser.note(builderid);
            this.#loop.wake();
          },
          {
            early: () => {
              this.#collapser.noteAny();
              this.#loop.wake();
            },
          },
        ),
      );
    this.#stopListening = [
      workers.onChange(() => this.#loop.wake()),
      // What was said while the router was away is in the rows.
      data.bus.onState((state) => {
        if (state === "connected") this.#loop.wake();
      }),
    ];
  }

  async start(): Promise<void> {
    this.#events.start();
    this.#loop.start();
  }

  /**
   * Goes on by other rules of the config, and with other builders: `change` replaces these between two polls. What was found out by
   * the rules before is found out again.
   */
  async reconfigure(rules: DistributorOptions["rules"], change: () => Promise<void>): Promise<void> {
    await this.#loop.stop();
    this.#settling = Promise.all([
      this.#settling,
      this.#collapser.stop(),
      this.#rules.settled(),
      this.#locks.settled(),
    ]);
    await change();
    if (this.#mode === "stopped") return;
    this.#collapser = this.#makeCollapser();
    this.#rules = this.#makeRules(rules);
    this.#loop = this.#makeLoop();
    this.#loop.start();
  }

  #makeLoop(): WakeupLoop {
    const { clock, log } = this.#options;
    return new WakeupLoop({ name: this.name, clock, log, pollMs, poll: (signal) => this.#lookOnce(signal) });
  }

  #makeCollapser(): Collapser {
    return new Collapser({ ...this.#options, wake: () => this.#loop.wake() });
  }

  #makeRules(rules: DistributorOptions["rules"]): StartRules {
    const { builders, workers, data, clock } = this.#options;
    return new StartRules({ ...rules, builders, workers, data, clock, onAnswer: () => this.#loop.wake() });
  }

  /**
   * No request is claimed any more, except those that running builds here wait for and that no other engine would run.
   * Resolves when a claim in progress has become builds.
   */
  async quiesce(): Promise<void> {
    if (this.#mode === "open") this.#mode = "draining";
    await this.#looking;
  }

  /** Requests are claimed as before. */
  reopen(): void {
    if (this.#mode === "draining") this.#mode = "open";
    this.#loop.wake();
  }

  failure(): Failure | undefined {
    return this.#loop.failure();
  }

  async stop(): Promise<void> {
    this.#mode = "stopped";
    for (const stop of this.#stopListening) stop();
    this.#strays.stop();
    await this.#events.stop();
    await this.#loop.stop();
    await this.#collapser.stop();
    await this.#rules.settled();
    await this.#locks.settled();
    await this.#settling;
  }

  #lookOnce(signal: AbortSignal): Promise<void> {
    this.#looking = this.#look(signal);
    return this.#looking;
  }

  async #look(signal: AbortSignal): Promise<void> {
    try {
      await this.#strays.release((id) => this.#claiming.has(id));
      if (this.#mode === "open") await this.#collapser.poll();
      await this.#approvals.expire(this.#options.clock.now());
      let misses = 0;
      this.#locks.beginPoll();
      this.#rules.beginPoll();
      while (!signal.aborted && this.#mode !== "stopped" && misses < maxMisses) {
        const started = await this.#startSome();
        if (started === undefined) break;
        misses = started === 0 ? misses + 1 : 0;
      }
      await this.#locks.endPoll();
      await this.#rules.endPoll();
    } catch (error) {
      if (isLeaseLoss(error)) return this.#options.onLeaseLost();
      // The watch of the database logs it once; the next poll is soon.
      if (!this.#options.data.isDatabaseAway(error)) throw error;
      this.#options.log.warn({ err: error }, "pending build requests could not be read; this is tried again");
    }
  }

  /** Starts what it can of the first pending requests; returns how many, and what it learnt of locks and refusals, or undefined when none could be. */
  async #startSome(): Promise<number | undefined> {
    const { builders, workers } = this.#options;
    const mode = this.#mode;
    const views = this.#viewWorkers();
    const startable = listStartable(this.#viewBuilders(), views).filter(
      ({ builderid }) => !this.#rules.isHeld(builderid) && !this.#collapser.isFull(builderid),
    );
    if (startable.length === 0) return undefined;
    const free = views.reduce((sum, view) => (judgeWorker(view) ? sum : sum + view.slots - view.builds), 0);
    const kept = this.#locks.deniedCount + this.#collapser.heldCount + 2 * this.#rules.refusedCount;
    const limit = Math.min(500, free * 2 + 10) + kept;
    const found = await this.#findPending(
      startable.map((builder) => builder.builderid),
      limit,
    );
    this.#locks.notePending(found);
    const waiting = this.#approvals.findings;
    const known = this.#locks.findings + this.#rules.findings + waiting;
    const pending = (await this.#approvals.admit(found)).filter(
      (request) =>
        !this.#locks.isDenied(request.buildrequestid) &&
        !this.#collapser.isHeld(request.buildrequestid) &&
        !this.#locks.mustWait(request),
    );
    // The drain began or ended meanwhile: what was found then is not what is looked for now.
    if (this.#mode !== mode) return undefined;
    // What changed while the requests were read counts.
    const placed = placeRequests(pending, this.#viewBuilders(), this.#viewWorkers(), {
      runsLastTry: this.#options.builds.runsLastTry,
      onKept: (workerName, keptFor) => this.#rules.noteKept(workerName, keptFor),
    }).map(({ request, workerName }) => ({
      ...request,
      builder: builders.get(request.builderid) as ConfiguredBuilder,
      worker: workers.get(workerName) as AttachedWorker,
    }));
    this.#rules.notePlaced(pending, placed);
    this.#locks.notePlaced(pending, placed);
    const held = mode === "open" ? await this.#collapser.holdBack(placed) : new Set<number>();
    if (this.#mode !== mode) return undefined;
    const now = this.#options.clock.now();
    // A worker that is paused or ended by now takes no build.
    const ready = placed.filter(
      ({ buildrequestid, worker }) => !held.has(buildrequestid) && judgeWorker(worker.view(now)) === undefined,
    );
    const started = ready.length === 0 ? 0 : await this.#claim(ready);
    // What waits for a lock, is refused, or has collapsed, was not lost to another engine: others behind it are tried.
    const learnt = this.#locks.findings + this.#rules.findings + this.#approvals.findings - known + held.size;
    return placed.length === 0 && learnt === 0 ? undefined : started + learnt;
  }

  #viewBuilders(): PlaceableBuilder[] {
    return [...this.#options.builders.values()].map((builder) => this.#rules.view(builder, this.#locks.view(builder)));
  }

  #viewWorkers(): WorkerView[] {
    const now = this.#options.clock.now();
    return this.#options.workers.all.map((worker) => worker.view(now));
  }

  async #findPending(builderids: readonly number[], limit: number) {
    const { updates } = this.#options.data;
    if (this.#mode === "open") {
      const further = await this.#locks.findFurther(builderids);
      const first = builderids.filter((id) => !this.#locks.isPassed(id));
      const pending = await this.#rules.findPending(first, limit, further);
      return pending.map((request) => ({
        ...request,
        isOnLastTry: this.#options.builders.get(request.builderid)?.isOnLastTry(request) ?? false,
      }));
    }
    if (this.#options.builds.all.length === 0) return [];
    const only = new Set(await updates.builders.onlyHere());
    const awaited = await updates.buildrequests.awaited(
      builderids.filter((id) => only.has(id)),
      limit,
    );
    const prepared = await this.#rules.prepare(awaited);
    return prepared.map((request) => ({ ...request, isOnLastTry: false }));
  }

  /** Claims and starts them; returns how many were got. */
  async #claim(placed: readonly Chosen[]): Promise<number> {
    const ids = placed.map(({ buildrequestid }) => buildrequestid);
    for (const { buildrequestid, builder, worker } of placed) {
      this.#claiming.add(buildrequestid);
      builder.reserve();
      worker.reserve(builder);
    }
    const claimed = new Map<number, BuildLocks | undefined>();
    try {
      // What is not in the answer went to another engine, was cancelled or is complete, or waits for its locks.
      const free = placed.filter(({ builder }) => !hasLocks(builder)).map(({ buildrequestid }) => buildrequestid);
      const locked = placed.filter(({ builder }) => hasLocks(builder));
      if (free.length > 0)
        for (const id of await this.#options.data.updates.buildrequests.claim(free)) claimed.set(id, undefined);
      if (locked.length > 0) for (const [id, locks] of await this.#locks.claim(locked)) claimed.set(id, locks);
    } catch (error) {
      for (const id of ids) if (!claimed.has(id)) this.#strays.noteUnanswered(id);
      throw error;
    } finally {
      for (const { buildrequestid, builder, worker, isOnLastTry } of placed) {
        const locks = claimed.get(buildrequestid);
        if (claimed.has(buildrequestid)) {
          this.#rules.noteClaimed(buildrequestid, worker);
          this.#options.builds.launch(buildrequestid, builder, worker, { isOnLastTry, locks });
        } else {
          builder.release();
          worker.cancel(builder);
        }
        this.#claiming.delete(buildrequestid);
      }
    }
    return claimed.size;
  }
}
