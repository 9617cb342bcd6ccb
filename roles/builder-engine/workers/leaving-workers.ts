import type { Logger } from "@multimaster/core";
import type { Departure } from "@multimaster/data";
import type { LinkEnd, WorkerLink } from "@multimaster/wire";
import type { AttachedWorker, AttachedWorkers } from "./attached-worker.ts";

const releaseReasons: Partial<Record<Departure["reason"], string>> = {
  rebalanced: "another engine has fewer workers",
  revoked: "the config has this worker no more, or with another password",
};

/** Why this master releases a worker, in words. */
export function describeRelease(reason: Departure["reason"]): string {
  return releaseReasons[reason] ?? "the master drains";
}

/** Of a connection that this master did not close. */
export function describeDeparture({ code, reason }: LinkEnd): Departure {
  const detail = reason === "" ? null : reason;
  return { reason: code === 1000 || code === 1001 ? "closed_by_worker" : "connection_lost", detail };
}

export interface LeavingWorkersOptions {
  readonly workers: AttachedWorkers;
  readonly log: Logger;
  release(worker: AttachedWorker): Promise<void>;
  /** The master lets all workers go. */
  isRefusing(): boolean;
}

/** Workers that another config has no more, or with another password: they get no build, and leave when the last has ended. */
export class LeavingWorkers {
  #options: LeavingWorkersOptions;
  #links = new WeakSet<WorkerLink>();

  constructor(options: LeavingWorkersOptions) {
    this.#options = options;
  }

  has(link: WorkerLink): boolean {
    return this.#links.has(link);
  }

  add(worker: AttachedWorker): void {
    if (this.#links.has(worker.link)) return;
    worker.leaving = true;
    this.#links.add(worker.link);
    this.#options.log.info(
      { worker: worker.name, builds: worker.builds },
      `the config has worker ${worker.name} no more, or with another password: it leaves after its ${worker.builds} builds`,
    );
    void this.#end(worker);
  }

  async #end(worker: AttachedWorker): Promise<void> {
    const { workers, release, isRefusing } = this.#options;
    while (worker.builds > 0 && worker.link.isOpen) await nextChange(workers);
    if (!worker.link.isOpen || isRefusing()) return;
    await release(worker).catch(() => worker.link.terminate());
    workers.remove(worker);
  }
}

function nextChange(workers: AttachedWorkers): Promise<void> {
  return new Promise((resolve) => {
    const stop = workers.onChange(() => {
      stop();
      resolve();
    });
  });
}
