import { type Connection, readHeldLockNames, readInstances, readLatents } from "@multimaster/database";
import { type LatentView, viewInstance } from "@multimaster/placement";

/** A latent worker of the rows, as placement sees it. */
export interface LatentSeen extends LatentView {
  /** Names of the instances that there are. */
  readonly workers: readonly string[];
  /** What an instance that starts has written last; null: nothing that is known. */
  readonly startWords: string | null;
  /** Locks of the cluster that something holds now. */
  readonly heldLocks: readonly string[];
}

/** Latent workers by name, with their instances. */
export async function readLatentsSeen(connection: Connection): Promise<ReadonlyMap<string, LatentSeen>> {
  const [latents, instances, heldLocks] = await Promise.all([
    readLatents(connection),
    readInstances(connection),
    readHeldLockNames(connection),
  ]);
  return new Map(
    latents.map(({ name, minInstances, maxInstances, failure, retryIn }) => {
      const own = instances.filter(({ latent }) => latent === name);
      const workers = own.map(({ worker }) => worker);
      // How many may start at the same time, and what each takes, decides how many are started, not whether one is.
      const limits = { minInstances, maxInstances, parallelStarts: 1, slots: 1 };
      const startWords = own.find(({ state, words }) => state === "starting" && words !== null)?.words ?? null;
      const seen = { name, ...limits, failure, retryIn, instances: own.map(viewInstance) };
      return [name, { ...seen, workers, startWords, heldLocks }];
    }),
  );
}
