import {
  type Clock,
  Counter,
  type Failure,
  type Logger,
  type Registry,
  type Service,
  WakeupLoop,
} from "@multimaster/core";
import type { Data } from "@multimaster/data";
import type { AttachedWorker, AttachedWorkers } from "./attached-worker.ts";
import { findSurplus } from "./find-surplus.ts";
import type { WorkerServer } from "./worker-server.ts";

export interface RebalanceOptions {
  masterid: number;
  /** How often the shares of the engines are compared, in milliseconds; false: never. */
  every: number | false;
  server: WorkerServer;
  workers: AttachedWorkers;
  data: Data;
  clock: Clock;
  log: Logger;
  metrics: Registry;
}

/** Workers released after one comparison, and the time between two of them. */
const mostAtOnce = 50;
const gapMs = 100;
/** A worker that is not back here after this time has gone to another engine. */
const backMs = 45_000;
/** One that came back, because it has no balancer before it, is left alone for so long. */
const residentMs = 3600_000;

/**
 * Workers stay with the engine that they are connected to, so after engines were restarted one by one the last one has none.
 * An engine that has far more than its share releases idle workers, slowly: they connect again, through the balancer, to the
 * others. Never a busy one, never while engines start, drain or are upgraded.
 */
export class Rebalance implements Service {
  readonly name = "rebalance";
  #options: RebalanceOptions;
  #loop: WakeupLoop | undefined;
  #moved: Counter;
  /** The last comparison found a surplus, too: one alone may be a moment. */
  #hadSurplus = false;
  /** When each worker was released that may come back, or has. */
  #released = new Map<string, number>();

  constructor(options: RebalanceOptions) {
    this.#options = options;
    this.#moved = new Counter({
      name: "multimaster_workers_rebalanced_total",
      help: "Idle workers that this engine has released so that engines with fewer workers get them.",
      registers: [options.metrics],
    });
  }

  async start(): Promise<void> {
    const { every, clock, log } = this.#options;
    if (every === false) return;
    this.#loop = new WakeupLoop({
      name: this.name,
      clock,
      log,
      pollMs: every,
      poll: (signal) => this.#compare(every, signal),
    });
    this.#loop.start();
  }

  failure(): Failure | undefined {
    return this.#loop?.failure();
  }

  async stop(): Promise<void> {
    await this.#loop?.stop();
  }

  async #compare(every: number, signal: AbortSignal): Promise<void> {
    const { masterid, data, log, clock, server } = this.#options;
    this.#forgetOld();
    try {
      const engines = server.isRefusing ? [] : await data.updates.workers.engineLoads();
      const surplus = findSurplus(masterid, engines, (2 * every) / 1000);
      const had = this.#hadSurplus;
      this.#hadSurplus = surplus > 0;
      if (!had || surplus === 0) return;
      let moved = 0;
      while (moved < Math.min(surplus, mostAtOnce) && !signal.aborted && !server.isRefusing) {
        const worker = this.#findIdle();
        if (!worker) break;
        await this.#release(worker);
        moved += 1;
        await clock.sleep(gapMs, signal);
      }
      if (moved > 0)
        log.info({ workers: moved, surplus }, `${moved} idle workers were released to engines with fewer workers`);
    } catch (error) {
      if (!data.isDatabaseAway(error)) throw error;
    }
  }

  #findIdle(): AttachedWorker | undefined {
    return this.#options.workers.all.find(
      ({ builds, leaving, config, name }) => builds === 0 && !leaving && !config.local && !this.#released.has(name),
    );
  }

  async #release(worker: AttachedWorker): Promise<void> {
    const { server, workers, clock, log } = this.#options;
    this.#released.set(worker.name, clock.now());
    // A balancer that tries this engine first goes on to the next one.
    server.sendOnOnce(worker.name);
    try {
      await server.release(worker, "rebalanced");
    } catch (error) {
      log.warn({ worker: worker.name, err: error }, `worker ${worker.name} could not be released`);
      worker.link.terminate();
      await worker.link.closed;
    }
    workers.remove(worker);
    this.#moved.inc();
  }

  #forgetOld(): void {
    const { clock, workers } = this.#options;
    for (const [name, at] of this.#released) {
      const age = clock.now() - at;
      if (age > residentMs || (age > backMs && workers.get(name) === undefined)) this.#released.delete(name);
    }
  }
}
