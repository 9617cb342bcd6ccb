import type { Logger } from "@multimaster/core";
import type { Data, InstanceRow } from "@multimaster/data";
import type { FoundInstance } from "@multimaster/plugins";
import type { LatentWorker } from "./latent-worker.ts";
import type { InstanceStarts } from "./start-instances.ts";
import type { TendInstances } from "./tend-instances.ts";

export interface SweepInstancesOptions {
  masterid: number;
  latents: readonly LatentWorker[];
  starts: InstanceStarts;
  tending: TendInstances;
  data: Data;
  log: Logger;
}

/** A start by an engine that has died meanwhile may still take effect at the provider for so long, in seconds. */
const lateStartSeconds = 60;

/**
 * Compares what providers have, by label, with the rows: ends what has no row, and the rows of what is gone. Nothing is ended
 * that does not carry the labels of this cluster and latent worker.
 */
export class SweepInstances {
  #options: SweepInstancesOptions;
  /** Found without a row at the last sweep: only what is found so twice is ended. */
  #suspects = new Set<string>();
  #failing = new Set<string>();

  constructor(options: SweepInstancesOptions) {
    this.#options = options;
  }

  async sweep(): Promise<void> {
    const { latents, data } = this.#options;
    const suspects = new Set<string>();
    for (const latent of latents) {
      const before = await data.updates.instances.read();
      const found = await this.#list(latent);
      if (!found) continue;
      // Read after the list: an instance has its row before it is started.
      const { instances } = await data.updates.instances.read();
      await this.#endUnknown(latent, found, instances, suspects);
      const known = new Set(before.instances.map(({ instanceid }) => instanceid));
      for (const row of instances)
        if (row.latent === latent.name && known.has(row.instanceid)) await this.#compare(latent, row, found);
    }
    this.#suspects = suspects;
  }

  async #list(latent: LatentWorker): Promise<readonly FoundInstance[] | undefined> {
    const { log } = this.#options;
    try {
      const found = await latent.definition.list(latent.context, latent.options);
      if (this.#failing.delete(latent.name))
        log.info({ latent: latent.name }, `the instances of ${latent.name} can be listed again`);
      return found;
    } catch (error) {
      if (latent.context.signal.aborted) return undefined;
      if (!this.#failing.has(latent.name))
        log.warn({ latent: latent.name, err: error }, `the instances of ${latent.name} cannot be listed; retrying`);
      this.#failing.add(latent.name);
      return undefined;
    }
  }

  async #endUnknown(
    latent: LatentWorker,
    found: readonly FoundInstance[],
    rows: readonly InstanceRow[],
    suspects: Set<string>,
  ): Promise<void> {
    const known = new Set(rows.map(({ instanceid }) => instanceid));
    for (const { id, instanceid } of found) {
      if (instanceid !== undefined && (known.has(instanceid) || this.#options.tending.isEnding(instanceid))) continue;
      const key = `${latent.name} ${id}`;
      if (!this.#suspects.has(key)) suspects.add(key);
      else await this.#endLeftover(latent, id);
    }
  }

  async #endLeftover(latent: LatentWorker, id: string): Promise<void> {
    const { log } = this.#options;
    log.warn({ latent: latent.name, id }, `an instance of ${latent.name} that no one looks after is ended: ${id}`);
    await latent.definition.stop(latent.context, latent.options, id).catch((error: unknown) => {
      log.warn({ latent: latent.name, id, err: error }, "it could not be ended; retrying");
    });
  }

  /** What the provider says of an instance that this engine looks after. */
  async #compare(latent: LatentWorker, row: InstanceRow, found: readonly FoundInstance[]): Promise<void> {
    const { masterid, starts, tending, data, log } = this.#options;
    const { instanceid, holder, attachedTo, providerId } = row;
    const isBusy = starts.isStarting(instanceid) || tending.isEnding(instanceid);
    if (holder !== masterid || attachedTo !== null || isBusy || !latent.reaches(row)) return;
    const seen = found.find((one) => one.instanceid === instanceid);
    if (seen?.isAlive) {
      if (providerId === null) await data.updates.instances.save(instanceid, { providerId: seen.id });
      return;
    }
    if (!seen && providerId === null && row.age < lateStartSeconds) return;
    if (seen) await latent.definition.stop(latent.context, latent.options, seen.id);
    const why = seen?.lastWords
      ? `it has ended: ${seen.lastWords.trim().split("\n").at(-1)}`
      : "it has ended by itself";
    if (row.state === "starting" && providerId !== null) return starts.noteFailure(latent, instanceid, why);
    log.info({ latent: latent.name, worker: row.worker, instanceid }, `${row.worker} is gone: ${why}`);
    await data.updates.instances.forget(instanceid);
  }
}
