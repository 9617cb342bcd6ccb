import { isSameSecret } from "@multimaster/core";
import type { InstanceRow, LatentRow } from "@multimaster/data";
import { hashInstanceSecret } from "@multimaster/data";
import type { LatentWorker } from "./latent-worker.ts";

/** The instances of the whole cluster, as they were when the rows were last read. */
export class InstanceTable {
  readonly #slots = new Map<string, LatentWorker>();
  #byWorker = new Map<string, InstanceRow>();
  #latents = new Map<string, LatentRow>();

  constructor(latents: readonly LatentWorker[]) {
    for (const latent of latents) for (const worker of latent.workers) this.#slots.set(worker, latent);
  }

  set({ instances, latents }: { instances: readonly InstanceRow[]; latents: readonly LatentRow[] }): void {
    this.#byWorker = new Map(instances.map((row) => [row.worker, row]));
    this.#latents = new Map(latents.map((row) => [row.name, row]));
  }

  get rows(): readonly InstanceRow[] {
    return [...this.#byWorker.values()];
  }

  of(latent: string): readonly InstanceRow[] {
    return this.rows.filter((row) => row.latent === latent);
  }

  latent(name: string): LatentRow | undefined {
    return this.#latents.get(name);
  }

  /** The latent worker of which a worker is an instance. */
  latentOf(worker: string): LatentWorker | undefined {
    return this.#slots.get(worker);
  }

  byWorker(worker: string): InstanceRow | undefined {
    return this.#byWorker.get(worker);
  }

  /** Whether a worker that connects is an instance; undefined: the name is none of theirs. */
  authenticate(name: string, secret: string): boolean | "draining" | undefined {
    if (!this.#slots.has(name)) return undefined;
    const row = this.#byWorker.get(name);
    if (row === undefined || !isSameSecret(hashInstanceSecret(secret), row.secretHash)) return false;
    // One that is being ended has the right secret, but no engine takes it.
    return row.state === "stopping" ? "draining" : true;
  }
}
