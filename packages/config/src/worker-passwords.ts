import { resolve } from "node:path";
import { openPasswordMd5, readSealingKey } from "@multimaster/core";
import type { UiSlice } from "./slices/ui.ts";
import type { WorkersSlice } from "./slices/workers.ts";

/** The key with which the workers' digests for pb are sealed; undefined if the config names none. */
export async function loadSealingKey(
  { sealingKey }: Pick<WorkersSlice, "sealingKey">,
  directory: string,
): Promise<Buffer | undefined> {
  return sealingKey === undefined ? undefined : readSealingKey(resolve(directory, sealingKey));
}

/** The same key, if masters with the role `ui` have it. */
export function loadUiSealingKey(
  { workerSealingKey }: Pick<UiSlice, "workerSealingKey">,
  directory: string,
): Promise<Buffer | undefined> {
  return loadSealingKey({ sealingKey: workerSealingKey }, directory);
}

/** Problems of the file that the ui masters' option names. */
export async function checkUiSealingKey(slice: UiSlice, directory: string, place: string): Promise<string[]> {
  return loadUiSealingKey(slice, directory).then(
    () => [],
    (error: Error) => [`${place}: workerSealingKey: ${error.message}`],
  );
}

/** Problems of the key's file, and sealed digests that it does not open. */
export async function checkSealedPasswords(slice: WorkersSlice, directory: string, place: string): Promise<string[]> {
  let key: Buffer | undefined;
  try {
    key = await loadSealingKey(slice, directory);
  } catch (error) {
    return [`${place}: sealingKey: ${(error as Error).message}`];
  }
  return slice.workers.flatMap(({ name, passwordMd5Sealed: sealed }, i) => {
    if (sealed === undefined) return [];
    const path = `${place}: workers[${i}].passwordMd5Sealed`;
    if (key === undefined) return [`${path}: cannot be opened without the sealingKey of this slice`];
    if (openPasswordMd5(key, name, sealed) !== undefined) return [];
    return [`${path}: was sealed with another key, or for another worker than "${name}"`];
  });
}
