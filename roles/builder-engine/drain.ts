import { type Clock, type Logger, onAbort, Results, type Service, type Work } from "@multimaster/core";
import type { Data } from "@multimaster/data";
import type { ConfiguredBuilder } from "./builds/configured-builder.ts";
import type { Distributor } from "./builds/distributor.ts";
import type { RunningBuilds } from "./builds/running-builds.ts";
import type { AttachedWorker, AttachedWorkers } from "./workers/attached-worker.ts";
import type { CommandLedger } from "./workers/command-ledger.ts";
import type { WorkerServer } from "./workers/worker-server.ts";

export interface DrainOptions {
  distributor: Distributor;
  server: WorkerServer;
  builds: RunningBuilds;
  workers: AttachedWorkers;
  /** By id. */
  builders: ReadonlyMap<number, ConfiguredBuilder>;
  ledger: CommandLedger;
  data: Data;
  clock: Clock;
  log: Logger;
}

/** Workers released per second: all together they would come back within one second, to one master. */
const perSecond = 50;
/** How often it is looked whether another engine has come that would run what only this one could. */
const lookMs = 2000;

/**
 * Leaves politely: first in the list of services, so that it is asked first and the others find nothing left to do.
 * After each step, in order: no request is claimed; no worker comes in; idle workers are gone; running builds have
 * ended and their workers are gone. When the signal aborts, running builds are released to be run again.
 *
 * A build that waits for other builds never waits in vain: what only this engine can run for it is still run here, and
 * workers that might be needed for that stay as long as a build does.
 */
export class Drain implements Service {
  readonly name = "drain";
  #options: DrainOptions;
  /** Of the drain in progress; aborts when it is undone. */
  #undone: AbortController | undefined;
  #onlyHere: readonly number[] = [];

  constructor(options: DrainOptions) {
    this.#options = options;
  }

  async start(): Promise<void> {}

  async stop(): Promise<void> {}

  ready(): true | string {
    return this.#undone ? "this master drains" : true;
  }

  left(): Work {
    const { builds, workers } = this.#options;
    return { builds: builds.all.length, workers: workers.all.length };
  }

  async drain(signal: AbortSignal): Promise<void> {
    const { distributor, server, builds, workers, ledger, log } = this.#options;
    const undone = new AbortController();
    this.#undone = undone;
    server.refuseNew();
    await distributor.quiesce();
    const before = builds.all.length;
    log.info({ builds: before, workers: workers.all.length }, `draining: ${before} builds are running`);
    const giveBack = () => this.#giveBack(signal.reason);
    const ignore = onAbort(signal, giveBack);
    onAbort(undone.signal, ignore);
    const departures = this.#letWorkersGo(signal, undone.signal);
    await builds.idle();
    await departures;
    await ledger.flush();
    ignore();
    if (!undone.signal.aborted) log.info({ builds: before }, "drained: no build is running, all workers are let go");
  }

  /** Work is taken on again; workers that have left come back by themselves. */
  async resume(): Promise<void> {
    const { server, distributor, log } = this.#options;
    this.#undone?.abort();
    this.#undone = undefined;
    server.acceptAgain();
    distributor.reopen();
    log.info("the drain is undone: workers and requests are taken again");
  }

  #giveBack(reason: unknown): void {
    const { builds, log } = this.#options;
    if (builds.all.length === 0) return;
    const why = typeof reason === "string" ? reason : "master stopped";
    log.info(
      { builds: builds.all.length },
      `${builds.all.length} running builds are given back to be run again: ${why}`,
    );
    builds.interruptAll({ kind: "stopped", reason: why, results: Results.RETRY, atOnce: true });
  }

  /** Lets idle workers go one by one, and busy ones as their last build ends. */
  async #letWorkersGo(signal: AbortSignal, undone: AbortSignal): Promise<void> {
    const { workers, clock } = this.#options;
    while (workers.all.length > 0 && !undone.aborted) {
      const kept = await this.#findNeeded();
      let gone = 0;
      for (const worker of workers.all) {
        if (undone.aborted) return;
        // Checked now, not before the waits: a build may have started on it meanwhile.
        if (worker.builds > 0 || worker.leaving || kept.has(worker.name)) continue;
        await this.#release(worker);
        gone += 1;
        if (workers.all.length > 1 && !signal.aborted) await clock.sleep(1000 / perSecond, signal);
      }
      if (gone === 0) await this.#nextChange(undone);
    }
  }

  /** Workers that could be needed by builds that only this engine would run for those that run here now. */
  async #findNeeded(): Promise<ReadonlySet<string>> {
    const { builds, builders, data } = this.#options;
    if (builds.all.length === 0) return new Set();
    try {
      this.#onlyHere = await data.updates.builders.onlyHere();
    } catch (error) {
      // With the database away it is as it was.
      if (!data.isDatabaseAway(error)) throw error;
    }
    return new Set(this.#onlyHere.flatMap((id) => builders.get(id)?.config.workers ?? []));
  }

  async #release(worker: AttachedWorker): Promise<void> {
    try {
      await this.#options.server.release(worker);
    } catch (error) {
      this.#options.log.warn({ worker: worker.name, err: error }, `worker ${worker.name} could not be let go`);
      worker.link.terminate();
      await worker.link.closed;
    }
    this.#options.workers.remove(worker);
  }

  async #nextChange(undone: AbortSignal): Promise<void> {
    const { workers, clock } = this.#options;
    const changed = new AbortController();
    const stop = workers.onChange(() => changed.abort());
    await clock.sleep(lookMs, AbortSignal.any([changed.signal, undone]));
    stop();
  }
}
