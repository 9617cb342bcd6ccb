import { resolve } from "node:path";
import type { WorkerConfig } from "@multimaster/config";
import type { Clock, Logger } from "@multimaster/core";
import type { WorkerLink } from "@multimaster/wire";
import { createLocalWorker, type LocalWorker } from "../../local-worker.ts";

export interface LocalWorkersOptions {
  configs: readonly WorkerConfig[];
  /** Each worker's files live in a directory of its name below it. */
  basedir: string;
  /** Variables of this process's environment that their commands get, beside the plain ones. */
  passEnvironment: readonly string[];
  clock: Clock;
  log: Logger;
  onWorker(link: WorkerLink): void;
}

/** The workers inside this process. They connect, and connect again, as those outside do. */
export class LocalWorkers {
  #options: LocalWorkersOptions;
  #workers = new Map<string, LocalWorker>();
  /** Those that are not connected again. */
  #removed = new WeakSet<LocalWorker>();
  #leaving = new AbortController();
  /** The latest attempt of each to stay connected. */
  #connecting = new Map<LocalWorker, Promise<void>>();
  #stopped = false;

  constructor(options: LocalWorkersOptions) {
    this.#options = options;
  }

  async start(): Promise<void> {
    await this.#add(this.#options.configs);
  }

  /** Goes on with other workers. One that is there no more ends with its connection. */
  async reconfigure(configs: readonly WorkerConfig[]): Promise<void> {
    if (this.#stopped) return;
    for (const [name, worker] of this.#workers) {
      if (configs.some((config) => config.name === name)) continue;
      this.#workers.delete(name);
      this.#removed.add(worker);
      const ended = this.#connecting.get(worker)?.then(() => worker.stop());
      if (ended) this.#connecting.set(worker, ended);
    }
    await this.#add(configs.filter(({ name }) => !this.#workers.has(name)));
  }

  async #add(configs: readonly WorkerConfig[]): Promise<void> {
    const { basedir, passEnvironment, log } = this.#options;
    for (const { name } of configs) {
      const worker = await createLocalWorker({
        name,
        basedir: resolve(basedir, name),
        log,
        passEnvironment,
      });
      log.info(
        { worker: name },
        `worker ${name} is local: its builds may do whatever this master may, and read its environment; only for code you trust`,
      );
      this.#workers.set(name, worker);
      await worker.start();
      this.#connecting.set(worker, this.#keepConnected(worker));
    }
  }

  /** From now on a connection that ends is not made again. */
  leave(): void {
    this.#leaving.abort();
  }

  /** Undoes that: those that have left connect again. */
  comeBack(): void {
    if (!this.#leaving.signal.aborted || this.#stopped) return;
    this.#leaving = new AbortController();
    for (const [worker, former] of this.#connecting) {
      // The former connection may still be open: then it is kept until it ends.
      this.#connecting.set(
        worker,
        former.then(() => this.#keepConnected(worker)),
      );
    }
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.leave();
    await Promise.all([...this.#workers.values()].map((worker) => worker.stop()));
    await Promise.all(this.#connecting.values());
  }

  async #keepConnected(worker: LocalWorker): Promise<void> {
    const { signal } = this.#leaving;
    if (signal.aborted) return;
    while (!signal.aborted && !this.#removed.has(worker)) {
      const link = worker.connect();
      this.#options.onWorker(link);
      await link.closed;
      await this.#options.clock.sleep(1000, signal);
    }
  }
}
