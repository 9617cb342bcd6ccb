import type { LocalWorker, LocalWorkerOptions } from "@multimaster/worker";

export type { LocalWorker, LocalWorkerOptions };

/** The worker inside the process, loaded only where a config asks for one: roles themselves know only the protocol. */
export async function createLocalWorker(options: LocalWorkerOptions): Promise<LocalWorker> {
  const worker = await import("@multimaster/worker");
  return worker.createLocalWorker(options);
}
