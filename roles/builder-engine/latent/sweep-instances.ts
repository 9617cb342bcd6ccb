import type { Logger } from "@multimaster/core";
import type { Data, InstanceRow } from "@multimaster/data";
import type { FoundInstance } from "@multimaster/plugins";
import { z } from "zod";
import type { LatentWorker } from "./latent-worker.ts";
import { describeFault, type ProviderTroubles } from "./provider-troubles.ts";
import type { InstanceStarts } from "./start-instances.ts";
import type { TendInstances } from "./tend-instances.ts";

export interface SweepInstancesOptions {
  masterid: number;
  latents: readonly LatentWorker[];
  starts: InstanceStarts;
  tending: TendInstances;
  troubles: ProviderTroubles;
  data: Data;
  log: Logger;
}

/**
 * How long a provider may not show a new instance, in seconds: its list is late, or the engine that was starting the instance
 * has died and the start takes effect afterwards.
 */
const lateStartSeconds = 60;
/** After so many seconds without an attachment, an instance is asked for its last words. */
const slowStartSeconds = 10;

/**
 * Compares what providers have, by label, with the rows: ends what has no row, and the rows of what is gone. Nothing is ended
 * that does not carry the labels of this cluster and latent worker.
 */
export class SweepInstances {
  #options: SweepInstancesOptions;
  /** Found without a row at the last sweep: only what is found so twice is ended. */
  #suspects = new Set<string>();

  constructor(options: SweepInstancesOptions) {
    this.#options = options;
  }

  async sweep(): Promise<void> {
    const { latents, data } = this.#options;
    const suspects = new Set<string>();
    for (const latent of latents) {
      const before = await data.updates.instances.read();
      const { found, unlisted } = await this.#list(latent);
      // Read after the list: an instance has its row before it is started.
      const { instances } = await data.updates.instances.read();
      await this.#endUnknown(latent, found, instances, suspects);
      const known = new Map(before.instances.map(({ instanceid, providerId }) => [instanceid, providerId]));
      // One whose start ended while the provider was asked may be missing in its answer.
      const isSettled = ({ instanceid, providerId }: InstanceRow) => known.get(instanceid) === providerId;
      for (const row of instances)
        if (row.latent === latent.name && isSettled(row) && !unlisted.has(row.place))
          await this.#compare(latent, row, found);
    }
    this.#suspects = suspects;
  }

  /** What the provider has at the places that answer; of the others nothing is known. */
  async #list(latent: LatentWorker): Promise<{ found: FoundInstance[]; unlisted: Set<string | null> }> {
    const { places } = latent;
    const lists = await Promise.all(places.map((place) => this.#listPlace(latent, place)));
    const unlisted = new Set(places.filter((_, i) => lists[i] === undefined));
    return { found: lists.flatMap((list) => list ?? []), unlisted };
  }

  async #listPlace(latent: LatentWorker, place: string | null): Promise<readonly FoundInstance[] | undefined> {
    const { log, troubles } = this.#options;
    const { name, definition, context, options } = latent;
    const instances = place === null ? `the instances of ${name}` : `the instances of ${name} at ${place}`;
    const what = `${instances} cannot be listed`;
    try {
      const found = await definition.list(context, options, place);
      if (troubles.end(what)) log.info({ latent: name }, `${instances} can be listed again`);
      return found;
    } catch (error) {
      if (!context.signal.aborted) troubles.note(latent, what, error);
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
    const { log, troubles } = this.#options;
    const { name, definition, context, options } = latent;
    const what = `an instance of ${name} that no one looks after could not be ended: ${id}`;
    try {
      await definition.stop(context, options, id);
      troubles.end(what);
      log.warn({ latent: name, id }, `an instance of ${name} that no one looked after is ended: ${id}`);
    } catch (error) {
      if (!context.signal.aborted) troubles.note(latent, what, error);
    }
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
      return this.#noteWords(latent, row, seen.id);
    }
    const lastWords = seen ? seen.lastWords : await this.#askWhyGone(latent, row);
    const isNew = row.age < lateStartSeconds && (providerId === null || row.state === "starting");
    if (!seen && isNew && lastWords === undefined) return;
    if (seen && !(await this.#removeRemains(latent, row, seen.id))) return;
    const line = lastLineOf(lastWords);
    const why = line === "" ? "it has ended by itself" : `it has ended: ${line}`;
    if (row.state === "starting" && providerId !== null) return starts.noteFailure(latent, instanceid, why);
    log.info({ latent: latent.name, worker: row.worker, instanceid }, `${row.worker} is gone: ${why}`);
    await data.updates.instances.forget(instanceid);
  }

  /** An instance that runs and cannot log in says so in its own log alone. */
  async #noteWords(latent: LatentWorker, row: InstanceRow, id: string): Promise<void> {
    const { definition, context, options } = latent;
    if (row.state !== "starting" || row.age < slowStartSeconds || !definition.lastWords) return;
    const what = `the provider of ${row.worker} does not say what it has written`;
    try {
      const line = lastLineOf(await definition.lastWords(context, options, id));
      this.#options.troubles.end(what);
      if (line !== "" && line !== row.words) await this.#options.data.updates.instances.noteWords(row.instanceid, line);
    } catch (error) {
      if (!context.signal.aborted) this.#options.troubles.note(latent, what, error);
    }
  }

  /** What the provider says of an instance that it does not list, if it can be asked. */
  async #askWhyGone(latent: LatentWorker, { worker, providerId }: InstanceRow): Promise<string | undefined> {
    const { definition, context, options } = latent;
    const what = `the provider of ${worker} does not say how it ended`;
    if (providerId === null || !definition.whyGone) return undefined;
    try {
      const why = await definition.whyGone(context, options, providerId);
      this.#options.troubles.end(what);
      return why;
    } catch (error) {
      if (!context.signal.aborted) this.#options.troubles.note(latent, what, error);
      return undefined;
    }
  }

  /** Removes what is left of an instance that has ended; false: it failed, and the next sweep retries. */
  async #removeRemains(latent: LatentWorker, { worker }: InstanceRow, id: string): Promise<boolean> {
    const { definition, context, options } = latent;
    const what = `${worker} has ended, but what is left of it cannot be removed (${id})`;
    try {
      await definition.stop(context, options, id);
      this.#options.troubles.end(what);
      return true;
    } catch (error) {
      if (!context.signal.aborted) this.#options.troubles.note(latent, what, error);
      return false;
    }
  }
}

/**
 * The last line of what an instance has written, without credentials and without a full stop; empty: it has written
 * nothing. Of a line of our own worker, which logs in JSON, the message.
 */
function lastLineOf(words: string | undefined): string {
  const line = (words ?? "").trimEnd().split(/\r?\n/).at(-1) as string;
  return describeFault(messageOf(line) ?? line).replace(/\.$/, "");
}

const loggedLine = z.object({ msg: z.string() });

function messageOf(line: string): string | undefined {
  try {
    return loggedLine.safeParse(JSON.parse(line)).data?.msg;
  } catch {
    return undefined;
  }
}
