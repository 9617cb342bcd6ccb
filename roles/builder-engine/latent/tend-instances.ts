import type { Clock, Logger } from "@multimaster/core";
import type { Data, InstanceRow } from "@multimaster/data";
import type { AttachedWorker, AttachedWorkers } from "../workers/attached-worker.ts";
import type { InstanceTable } from "./instance-table.ts";
import type { LatentWorker } from "./latent-worker.ts";
import type { ProviderTroubles } from "./provider-troubles.ts";
import type { InstanceStarts } from "./start-instances.ts";

export interface TendInstancesOptions {
  masterid: number;
  latents: ReadonlyMap<string, LatentWorker>;
  table: InstanceTable;
  starts: InstanceStarts;
  workers: AttachedWorkers;
  troubles: ProviderTroubles;
  data: Data;
  clock: Clock;
  log: Logger;
  /** Where workers reach this engine. */
  ownUrl(): string | undefined;
  /** This engine drains, and whether other engines can take what connects to a shared URL. */
  draining(): { othersRun: boolean } | undefined;
}

/** How long an instance that was attached may take to come back: its engine died, or its connection broke. */
const returnMs = 120_000;
/** How long the row of an instance that only masters of another host reach waits for one of them. */
const foreignMs = 15 * 60_000;
/** After an instance could not be ended, the next attempt waits: twice as long after each, up to the longest. */
const retryEndMs = 5000;
const longestRetryEndMs = 60_000;

/** Takes, keeps and ends the instances that exist. */
export class TendInstances {
  #options: TendInstancesOptions;
  #ending = new Map<number, Promise<void>>();
  /** How long the next attempt to end an instance waits if this one fails. */
  #retries = new Map<number, number>();
  /** Since when an instance has been as it is: idle, away, or without a master that reaches it. */
  #since = new Map<string, number>();
  #seen = new Set<string>();

  constructor(options: TendInstancesOptions) {
    this.#options = options;
  }

  isEnding(instanceid: number): boolean {
    return this.#ending.has(instanceid);
  }

  /** Resolves when no instance is being ended. */
  async settled(): Promise<void> {
    while (this.#ending.size > 0) await Promise.all(this.#ending.values());
  }

  /** Marks workers that are instances: they take no build before their row is read. */
  markAttached(): void {
    const { workers, table } = this.#options;
    for (const worker of workers.all)
      if (worker.terms === undefined && table.latentOf(worker.name) !== undefined) worker.terms = "unknown";
  }

  /** Does what the rows, read just now, require. */
  async tend(): Promise<void> {
    const { table, workers } = this.#options;
    this.#seen = new Set();
    for (const worker of workers.all) if (worker.terms === "unknown") await this.#admit(worker);
    for (const row of table.rows) await this.#tendOne(row);
    for (const key of this.#since.keys()) if (!this.#seen.has(key)) this.#since.delete(key);
  }

  /** The instances of this engine that a drain still has to end. */
  leftToEnd(): number {
    const { table, masterid } = this.#options;
    return table.rows.filter((row) => row.holder === masterid && this.#endsWithDrain(row)).length;
  }

  /** An instance has attached: this engine looks after it from now on. */
  async #admit(worker: AttachedWorker): Promise<void> {
    const { table, data, log, workers } = this.#options;
    const row = table.byWorker(worker.name);
    const latent = table.latentOf(worker.name) as LatentWorker;
    if (row === undefined || !(await data.updates.instances.attached(row.instanceid, row.latent))) {
      log.warn({ worker: worker.name }, `worker ${worker.name} is no instance that is known any more: it is shut down`);
      return this.#shutDown(worker);
    }
    const { buildsPerInstance } = latent.options;
    const builds = buildsPerInstance === null ? Number.POSITIVE_INFINITY : buildsPerInstance - row.builds;
    worker.terms = { builds, onlyRequest: row.buildrequestid ?? undefined };
    workers.changed();
  }

  async #tendOne(row: InstanceRow): Promise<void> {
    const { masterid, data, latents, workers } = this.#options;
    if (this.#ending.has(row.instanceid) || this.#options.starts.isStarting(row.instanceid)) return;
    const latent = latents.get(row.latent);
    const isReached = latent?.reaches(row) ?? false;
    if (row.holder === null) {
      // One that is attached elsewhere is taken by the engine that it is attached to.
      if (row.attachedTo !== null) return;
      if (isReached || this.#lasts(`foreign ${row.instanceid}`, foreignMs))
        await data.updates.instances.claim(row.instanceid);
      return;
    }
    if (row.holder !== masterid) return;
    const worker = row.attachedTo === masterid ? workers.byId(row.workerid) : undefined;
    if (row.attachedTo !== null && !worker) return;
    const why = worker ? this.#whyEndAttached(row, latent, worker) : this.#whyEndAway(row, latent);
    if (why !== undefined) this.#end(row, latent, worker, why);
  }

  #whyEndAttached(row: InstanceRow, latent: LatentWorker | undefined, worker: AttachedWorker): string | undefined {
    if (row.destroyed === 1) return destroyed;
    if (worker.builds > 0) {
      this.#since.delete(`idle ${row.instanceid}`);
      return undefined;
    }
    if (worker.terms === "unknown") return undefined;
    if (!latent) return "the config has its latent worker no more";
    if (row.state === "stopping") return "it was being ended";
    if (worker.isUsedUp) return "it has had its builds";
    if (row.wanted === 0) return "the build request that it was made for has ended";
    if (this.#endsWithDrain(row)) return "the master drains";
    if (worker.graceful) return "a user has shut it down";
    const { idleTime, minInstances } = latent.options;
    const isIdle = this.#lasts(`idle ${row.instanceid}`, idleTime);
    const kept = this.#options.table.of(latent.name).filter(({ state }) => state !== "stopping").length;
    return isIdle && kept > minInstances ? "it has been idle" : undefined;
  }

  #whyEndAway(row: InstanceRow, latent: LatentWorker | undefined): string | undefined {
    if (row.destroyed === 1) return destroyed;
    if (!latent?.reaches(row)) return "no master that reaches it has looked after it";
    if (row.state === "stopping") return "it was being ended";
    if (this.#endsWithDrain(row)) return "the master drains";
    if (row.wanted === 0) return "the build request that it was made for has ended";
    const isShared = latent.definition.masterUrlOf(latent.options) !== undefined;
    if (!isShared && row.masterUrl !== this.#options.ownUrl()) return "the master that it connects to is gone";
    const { startTimeout } = latent.options;
    if (row.state === "starting" && row.age * 1000 > startTimeout) return notAttached;
    const isAway = row.state === "running" && this.#lasts(`away ${row.instanceid}`, Math.min(returnMs, startTimeout));
    return isAway ? "its connection ended and it did not come back" : undefined;
  }

  #endsWithDrain(row: InstanceRow): boolean {
    const draining = this.#options.draining();
    const latent = this.#options.latents.get(row.latent);
    if (!draining || !latent?.reaches(row)) return false;
    const isShared = latent.definition.masterUrlOf(latent.options) !== undefined;
    return !(isShared && draining.othersRun);
  }

  /** Whether what the key says has lasted for so long; it is asked at each look. */
  #lasts(key: string, ms: number): boolean {
    const now = this.#options.clock.now();
    this.#seen.add(key);
    const since = this.#since.get(key) ?? now;
    this.#since.set(key, since);
    return now - since >= ms;
  }

  #end(row: InstanceRow, latent: LatentWorker | undefined, worker: AttachedWorker | undefined, why: string): void {
    // From here on it gets no build.
    if (worker) worker.leaving = true;
    const ending = this.#endNow(row, latent, worker, why)
      .then(() => {
        this.#retries.delete(row.instanceid);
        this.#options.troubles.end(cannotEnd(row));
      })
      .catch((error: unknown) => this.#waitToRetry(row, latent, error))
      .finally(() => this.#ending.delete(row.instanceid));
    this.#ending.set(row.instanceid, ending);
  }

  async #waitToRetry(row: InstanceRow, latent: LatentWorker | undefined, error: unknown): Promise<void> {
    const { log, clock, troubles } = this.#options;
    const signal = latent?.context.signal;
    if (signal?.aborted) return;
    if (latent) troubles.note(latent, cannotEnd(row), error);
    else log.warn({ err: error }, `${cannotEnd(row)}; retrying`);
    const wait = this.#retries.get(row.instanceid) ?? retryEndMs;
    this.#retries.set(row.instanceid, Math.min(2 * wait, longestRetryEndMs));
    await clock.sleep(wait, signal);
  }

  async #endNow(
    row: InstanceRow,
    latent: LatentWorker | undefined,
    worker: AttachedWorker | undefined,
    why: string,
  ): Promise<void> {
    const { data, log } = this.#options;
    if (!(await data.updates.instances.save(row.instanceid, { state: "stopping" }))) return;
    if (!this.#retries.has(row.instanceid))
      log.info(
        { latent: row.latent, worker: row.worker, instanceid: row.instanceid },
        `${row.worker} is ended: ${why}`,
      );
    if (worker) worker.departure ??= { reason: "shut_down", detail: why };
    if (latent?.reaches(row)) await this.#stopAtProvider(row, latent);
    if (worker) await this.#shutDown(worker);
    const failure = row.words === null ? why : `${why}; its log ends with: ${row.words}`;
    if (why === notAttached && latent) await this.#options.starts.noteFailure(latent, row.instanceid, failure);
    else await data.updates.instances.forget(row.instanceid);
  }

  async #stopAtProvider({ instanceid, providerId, place }: InstanceRow, latent: LatentWorker): Promise<void> {
    const { definition, context, options } = latent;
    // A place that the config has no more cannot be asked.
    const list = async () => (latent.places.includes(place) ? definition.list(context, options, place) : []);
    const id = providerId ?? (await list()).find((found) => found.instanceid === instanceid)?.id;
    if (id !== undefined) await definition.stop(context, options, id);
  }

  async #shutDown(worker: AttachedWorker): Promise<void> {
    worker.leaving = true;
    if (worker.link.isOpen) await worker.link.shutdown().catch(() => undefined);
    worker.link.terminate();
    await worker.link.closed;
  }
}

const cannotEnd = ({ worker, instanceid }: InstanceRow) => `${worker} (instance ${instanceid}) could not be ended`;
const destroyed = "a user has destroyed it";
const notAttached = "it did not attach in time";
