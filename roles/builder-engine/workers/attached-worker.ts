import type { WorkerConfig } from "@multimaster/config";
import type { WorkerView } from "@multimaster/placement";
import type { WorkerInfo, WorkerLink } from "@multimaster/wire";

/** A worker that is connected to this master and claimed by it. */
export class AttachedWorker {
  readonly workerid: number;
  readonly config: WorkerConfig;
  readonly link: WorkerLink;
  readonly info: WorkerInfo;
  /** As the row says; any UI master may change them. */
  paused = false;
  graceful = false;
  /** Its link is being closed on purpose: it gets nothing more. */
  leaving = false;
  /** Its claim was released, or is being released. */
  detached = false;
  #builds = 0;
  #directories = new Set<string>();

  constructor(workerid: number, config: WorkerConfig, link: WorkerLink, info: WorkerInfo) {
    this.workerid = workerid;
    this.config = config;
    this.link = link;
    this.info = info;
  }

  get name(): string {
    return this.config.name;
  }

  /** Builds that run on it or were promised a slot. */
  get builds(): number {
    return this.#builds;
  }

  /** As placement sees it now. */
  view(): WorkerView {
    return {
      name: this.name,
      presence: this.link.isOpen ? "attached" : "absent",
      paused: this.paused,
      quarantined: false,
      leaving: this.graceful || this.leaving,
      slots: this.config.maxBuilds,
      builds: this.#builds,
      directories: this.#directories,
    };
  }

  /** Directories that builds on it work in, or are going to. */
  get directories(): ReadonlySet<string> {
    return this.#directories;
  }

  reserve(directory: string): void {
    this.#builds += 1;
    this.#directories.add(directory);
  }

  release(directory: string): void {
    this.#builds -= 1;
    this.#directories.delete(directory);
  }
}

/** The workers attached to this master, by name. */
export class AttachedWorkers {
  #byName = new Map<string, AttachedWorker>();
  #byId = new Map<number, AttachedWorker>();
  #listeners = new Set<() => void>();

  get all(): readonly AttachedWorker[] {
    return [...this.#byName.values()];
  }

  get(name: string): AttachedWorker | undefined {
    return this.#byName.get(name);
  }

  byId(workerid: number): AttachedWorker | undefined {
    return this.#byId.get(workerid);
  }

  add(worker: AttachedWorker): void {
    this.#byName.set(worker.name, worker);
    this.#byId.set(worker.workerid, worker);
    this.changed();
  }

  remove(worker: AttachedWorker): void {
    if (this.#byName.get(worker.name) === worker) {
      this.#byName.delete(worker.name);
      this.#byId.delete(worker.workerid);
    }
    this.changed();
  }

  /** Something about what the workers can take has changed. */
  changed(): void {
    for (const listener of this.#listeners) listener();
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
