import { instanceNames, type LoadedConfig, latentOptionsOf, loadSealingKey } from "@multimaster/config";
import { errors, type Json } from "@multimaster/core";
import {
  addWorkerAccount,
  commandLineActor,
  createTrail,
  endWorkerAccount,
  findItems,
  type WorkerAccount,
  type WorkerAccountOptions,
  workerAccounts,
} from "@multimaster/data";
import { withCluster } from "./with-cluster.ts";

export interface NewWorker {
  readonly name: string;
  readonly maxBuilds: number;
  readonly properties: Readonly<Record<string, Json>>;
  readonly options: WorkerAccountOptions;
}

/** Adds a worker to the rows, and returns its secret: the only time that it is seen. */
export async function addWorker(config: LoadedConfig, worker: NewWorker): Promise<string> {
  const slice = await config.workers();
  const place = config.placeOf("workers");
  if (!slice.accounts) throw errors.workerAccountsClosed(place);
  if (slice.workers.some(({ name }) => name === worker.name)) throw errors.workerConfigured(worker.name, place);
  const latent = slice.latent
    .map(latentOptionsOf)
    .find((options) => [options.name, ...instanceNames(options)].includes(worker.name));
  if (latent)
    throw errors.requestInvalid(
      `The name ${worker.name} is taken by the latent worker ${latent.name} in ${place}, whose instances have secrets of their own.`,
    );
  const sealingKey = await loadSealingKey(slice, config.directory).catch((error: Error) => {
    throw errors.requestInvalid(`${place}: sealingKey: ${error.message}.`);
  });
  return withCluster(config, async (database) => {
    const detail = `builds at a time: ${worker.maxBuilds}; ${sealingKey ? "any protocol" : "not for pb"}`;
    const { secret } = await addWorkerAccount(database, { ...worker, sealingKey }, trailOf("add", worker.name, detail));
    return secret;
  });
}

/** All accounts that were ever made, the newest last. */
export function listWorkerAccounts(config: LoadedConfig): Promise<readonly WorkerAccount[]> {
  return withCluster(config, async (database) => {
    const found = await findItems(workerAccounts, database, { order: ["accountid"] });
    return (found?.rows ?? []) as WorkerAccount[];
  });
}

/** From now on no engine accepts it. */
export function revokeWorker(config: LoadedConfig, name: string): Promise<void> {
  return withCluster(config, async (database) => {
    await endWorkerAccount(database, name, trailOf("revoke", name));
  });
}

function trailOf(action: string, name: string, detail?: string) {
  return createTrail(commandLineActor(), action, `worker_accounts/${name}`, detail);
}
