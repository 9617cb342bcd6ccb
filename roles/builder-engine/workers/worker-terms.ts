import { rulesOfWorker, type WorkerConfig, type WorkersSlice } from "@multimaster/config";
import type { WorkerRule, WorkerTerms } from "@multimaster/data";

/** What is said of each of these workers and all masters need to know. */
export function termsOf(
  slice: WorkersSlice,
  configs: readonly WorkerConfig[],
  ids: ReadonlyMap<string, number>,
): WorkerTerms[] {
  return configs.map((config) => {
    const { missingTimeout } = rulesOfWorker(slice, config);
    return {
      workerid: ids.get(config.name) as number,
      missingTimeoutS: missingTimeout === null ? null : missingTimeout / 1000,
      owner: config.owner ?? null,
      note: config.note ?? null,
    };
  });
}

/** What the config says of when and how much each worker works. */
export function rulesOf(slice: WorkersSlice, ids: ReadonlyMap<string, number>): WorkerRule[] {
  return slice.workers.map(({ name, capacity, hours }) => ({
    workerid: ids.get(name) as number,
    capacity: capacity ?? null,
    hours: hours === undefined ? null : JSON.stringify(hours),
  }));
}
