import type { WorkerConfig, WorkerRules } from "@multimaster/config";
import { closedUntilOf, onAbort } from "@multimaster/core";
import type { Departure, WorkerState } from "@multimaster/data";
import type { WorkerView } from "@multimaster/placement";
import { resumeCapability, type WorkerInfo, type WorkerLink } from "@multimaster/wire";

/** What limits the builds of an instance of a latent worker. */
export interface InstanceTerms {
  /** How many builds it may still begin. */
  readonly builds: number;
  /** The only build request that it takes. */
  readonly onlyRequest: number | undefined;
}

/** What a build takes of its worker. */
export interface BuildPlace {
  readonly directory: string;
  readonly weight: number;
}

const followed = ["paused", "graceful", "quarantined", "onProbation"] as const;

/** A worker that is connected to this master and claimed by it. */
export class AttachedWorker {
  readonly workerid: number;
  readonly link: WorkerLink;
  readonly info: WorkerInfo;
  /** As the row says; any UI master may change them. */
  paused = false;
  graceful = false;
  quarantined = false;
  onProbation = false;
  /** Builds in a row that failed because of it. */
  failures = 0;
  /** Its link is being closed on purpose: it gets nothing more. */
  leaving = false;
  /** Its claim was released, or is being released. */
  detached = false;
  /** Of an instance of a latent worker: "unknown" until its row is read, and then it takes no build. */
  terms: InstanceTerms | "unknown" | undefined;
  /** Why its link is being closed, if this master closes it. */
  departure: Departure | undefined;
  #config: WorkerConfig;
  #rules: Pick<WorkerRules, "quarantineAfter" | "probationAfter">;
  #linkEnded: AbortController | undefined;
  #isLossTaken = false;
  #faults = new Map<number, string>();
  #builds = 0;
  #begun = 0;
  #load = 0;
  #directories = new Set<string>();

  constructor(
    workerid: number,
    config: WorkerConfig,
    link: WorkerLink,
    info: WorkerInfo,
    rules: AttachedWorker["rules"] = { quarantineAfter: null, probationAfter: null },
  ) {
    this.workerid = workerid;
    this.#config = config;
    this.#rules = rules;
    this.link = link;
    this.info = info;
  }

  get name(): string {
    return this.#config.name;
  }

  /** Why builds are lost that ran on it when its connection ended, in words. */
  get loss(): string {
    switch (this.departure?.reason) {
      case "revoked":
        return `worker ${this.name} was revoked`;
      case "shut_down":
        return `worker ${this.name} was shut down: ${this.departure.detail ?? "a user wanted it"}`;
      default:
        return `the connection to worker ${this.name} ended`;
    }
  }

  get config(): WorkerConfig {
    return this.#config;
  }

  get rules(): Pick<WorkerRules, "quarantineAfter" | "probationAfter"> {
    return this.#rules;
  }

  /** What the config says of it from now on; builds that run go on. */
  reconfigure(config: WorkerConfig, rules: AttachedWorker["rules"]): void {
    this.#config = config;
    this.#rules = rules;
  }

  /**
   * Calls `fn` once when its connection has ended. Returns a function that cancels this: a connection lasts for thousands of
   * builds, and what waits for `link.closed` itself is kept until then.
   */
  onLinkEnd(fn: () => void): () => void {
    if (this.#linkEnded === undefined) {
      const ended = new AbortController();
      this.#linkEnded = ended;
      void this.link.closed.then(() => ended.abort());
    }
    return onAbort(this.#linkEnded.signal, fn);
  }

  /** It keeps commands when its connection is lost. An instance of a latent worker may be ended before anyone resumes them. */
  get canKeepCommands(): boolean {
    return this.info.commands[resumeCapability] !== undefined && this.terms === undefined;
  }

  /** Builds that run on it or were promised a slot. */
  get builds(): number {
    return this.#builds;
  }

  /** As placement sees it now. */
  view(now: number): WorkerView {
    const { hours, capacity = null } = this.config;
    return {
      name: this.name,
      presence: this.link.isOpen ? "attached" : "absent",
      paused: this.paused && !this.quarantined,
      quarantined: this.quarantined,
      onProbation: this.onProbation,
      leaving: this.graceful || this.leaving || this.isUsedUp,
      slots: this.config.maxBuilds,
      builds: this.#builds,
      directories: this.#directories,
      closedUntil: closedUntilOf(hours, now),
      capacity,
      load: this.#load,
      onlyRequest: this.terms === "unknown" ? undefined : this.terms?.onlyRequest,
    };
  }

  /** An instance that may begin no further build. */
  get isUsedUp(): boolean {
    return this.terms === "unknown" || (this.terms !== undefined && this.#begun >= this.terms.builds);
  }

  /** Takes over what its rows say; returns whether that changes which builds it takes. */
  follow(state: WorkerState): boolean {
    this.failures = state.failures;
    const changed = followed.filter((name) => this[name] !== state[name]);
    for (const name of changed) this[name] = state[name];
    return changed.length > 0;
  }

  /** Notes that the machine could not do what a build asked for. */
  noteFault(buildid: number, cause: string): void {
    this.#faults.set(buildid, cause);
  }

  /** What was noted about the machine while this build ran; forgets it. */
  takeFault(buildid: number): string | undefined {
    const fault = this.#faults.get(buildid);
    this.#faults.delete(buildid);
    return fault;
  }

  /** True once for its connection: all builds that it had were lost by one event. */
  takeLoss(): boolean {
    const isFirst = !this.#isLossTaken;
    this.#isLossTaken = true;
    return isFirst;
  }

  /** Directories that builds on it work in, or are going to. */
  get directories(): ReadonlySet<string> {
    return this.#directories;
  }

  reserve({ directory, weight }: BuildPlace): void {
    this.#builds += 1;
    this.#begun += 1;
    this.#load += weight;
    this.#directories.add(directory);
  }

  /** Releases a slot whose build never began. */
  cancel(place: BuildPlace): void {
    this.#begun -= 1;
    this.release(place);
  }

  release({ directory, weight }: BuildPlace): void {
    this.#builds -= 1;
    this.#load -= weight;
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
