import { type Clock, type Logger, Results, type Service } from "@multimaster/core";
import type { AttachedWorker, AttachedWorkers } from "./attached-worker.ts";
import type { CommandLedger } from "./command-ledger.ts";
import type { Distributor } from "./distributor.ts";
import type { RunningBuilds } from "./running-builds.ts";
import type { WorkerServer } from "./worker-server.ts";

export interface DrainOptions {
  distributor: Distributor;
  server: WorkerServer;
  builds: RunningBuilds;
  workers: AttachedWorkers;
  ledger: CommandLedger;
  clock: Clock;
  log: Logger;
}

/** Workers let go per second: all at once they would come back within one second, to one master. */
const perSecond = 50;

/**
 * Leaves politely: first in the list of services, so that it is asked first and the others find nothing left to do.
 * After each step, in order: no request is claimed; no worker comes in; idle workers are gone; running builds have
 * ended and their workers are gone. When `signal` aborts, what still runs is given back to be run again.
 */
export class Drain implements Service {
  readonly name = "drain";
  #options: DrainOptions;
  #draining = false;

  constructor(options: DrainOptions) {
    this.#options = options;
  }

  async start(): Promise<void> {}

  async stop(): Promise<void> {}

  ready(): true | string {
    return this.#draining ? "this master drains" : true;
  }

  async drain(signal: AbortSignal): Promise<void> {
    const { distributor, server, builds, workers, ledger, log } = this.#options;
    this.#draining = true;
    server.refuseNew();
    await distributor.quiesce();
    const before = builds.all.length;
    log.info({ builds: before, workers: workers.all.length }, `draining: ${before} builds are running`);
    const giveBack = () => this.#giveBack();
    if (signal.aborted) giveBack();
    else signal.addEventListener("abort", giveBack, { once: true });
    const departures = this.#letWorkersGo(signal);
    await builds.idle();
    await departures;
    await ledger.flush();
    signal.removeEventListener("abort", giveBack);
    log.info({ builds: before }, "drained: no build is running, all workers are let go");
  }

  #giveBack(): void {
    const { builds, log } = this.#options;
    if (builds.all.length === 0) return;
    log.info({ builds: builds.all.length }, `${builds.all.length} running builds are given back to be run again`);
    builds.interruptAll({ kind: "stopped", reason: "master stopped", results: Results.RETRY });
  }

  /** Lets idle workers go one by one, and busy ones as their last build ends. */
  async #letWorkersGo(signal: AbortSignal): Promise<void> {
    const { workers, clock } = this.#options;
    while (workers.all.length > 0) {
      const idle = workers.all.filter((worker) => worker.builds === 0);
      for (const worker of idle) {
        await this.#letGo(worker);
        if (workers.all.length > 1 && !signal.aborted) await clock.sleep(1000 / perSecond, signal);
      }
      if (idle.length === 0) await this.#nextChange();
    }
  }

  async #letGo(worker: AttachedWorker): Promise<void> {
    try {
      await this.#options.server.letGo(worker);
    } catch (error) {
      this.#options.log.warn({ worker: worker.name, err: error }, `worker ${worker.name} could not be let go`);
      worker.link.terminate();
      await worker.link.closed;
    }
    this.#options.workers.remove(worker);
  }

  #nextChange(): Promise<void> {
    return new Promise((resolve) => {
      const stop = this.#options.workers.onChange(() => {
        stop();
        resolve();
      });
    });
  }
}
