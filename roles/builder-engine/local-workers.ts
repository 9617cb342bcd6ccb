import { resolve } from "node:path";
import type { WorkerConfig } from "@multimaster/config";
import type { Clock, Logger } from "@multimaster/core";
import type { WorkerLink } from "@multimaster/wire";
import { createLocalWorker, type LocalWorker } from "../local-worker.ts";

export interface LocalWorkersOptions {
  configs: readonly WorkerConfig[];
  /** Each worker's files live in a directory of its name below it. */
  basedir: string;
  clock: Clock;
  log: Logger;
  onWorker(link: WorkerLink): void;
}

/** The workers inside this process. They connect, and connect again, as those outside do. */
export class LocalWorkers {
  #options: LocalWorkersOptions;
  #workers: LocalWorker[] = [];
  #leaving = new AbortController();
  #connecting: Promise<void>[] = [];

  constructor(options: LocalWorkersOptions) {
    this.#options = options;
  }

  async start(): Promise<void> {
    const { configs, basedir, log } = this.#options;
    for (const { name } of configs) {
      const worker = await createLocalWorker({ name, basedir: resolve(basedir, name), log });
      this.#workers.push(worker);
      await worker.start();
      this.#connecting.push(this.#keepConnected(worker));
    }
  }

  /** From now on a connection that ends is not made again. */
  leave(): void {
    this.#leaving.abort();
  }

  async stop(): Promise<void> {
    this.leave();
    await Promise.all(this.#workers.map((worker) => worker.stop()));
    await Promise.all(this.#connecting);
  }

  async #keepConnected(worker: LocalWorker): Promise<void> {
    const { signal } = this.#leaving;
    while (!signal.aborted) {
      const link = worker.connect();
      this.#options.onWorker(link);
      await link.closed;
      await this.#options.clock.sleep(1000, signal);
    }
  }
}
