import { isSameSecret, silentLog } from "@multimaster/core";
import { createWorkerListener, passwordMd5, type WorkerLink, type WorkerListenerOptions } from "@multimaster/wire";
import type { ConnectedWorker } from "../contract/wire.contract.ts";
import { waitFor } from "../harness/wait-for.ts";

/** A master's worker port for tests: lets one worker in, and keeps the newest connection. */
export interface WorkerPort {
  readonly port: number;
  /** Upgrade requests that were refused for their password. */
  refusals(): number;
  current(): WorkerLink | undefined;
  /** The next connection that is not `before`. */
  waitForWorker(before?: WorkerLink): Promise<WorkerLink>;
  stop(): Promise<void>;
}

export async function openWorkerPort(
  name: string,
  password: string,
  more: Partial<WorkerListenerOptions> = {},
): Promise<WorkerPort> {
  let link: WorkerLink | undefined;
  let refused = 0;
  const listener = createWorkerListener({
    host: "127.0.0.1",
    port: 0,
    log: silentLog,
    isReady: () => true,
    pb: {
      passwordMd5Of: (givenName) => (givenName === name ? passwordMd5(password) : undefined),
      takes: () => true,
    },
    ...more,
    authenticate(givenName, givenPassword) {
      const right = givenName === name && isSameSecret(givenPassword, password);
      if (!right) refused += 1;
      return right;
    },
    onWorker(incoming) {
      link = incoming;
    },
  });
  await listener.start();
  return {
    port: listener.address().port,
    refusals: () => refused,
    current: () => link,
    waitForWorker: (before) =>
      waitFor(() => (link !== undefined && link !== before && link.isOpen ? link : undefined), {
        what: `worker ${name} to connect`,
        timeoutMs: 60_000,
      }),
    stop: () => listener.stop(),
  };
}

/** Waits for a worker that was started, and makes it what the wire contract asks questions of. */
export async function takeWorker(port: WorkerPort, worker: { stop(): Promise<void> }): Promise<ConnectedWorker> {
  let link = await port.waitForWorker();
  return {
    link: () => link,
    async reconnect() {
      link.terminate();
      link = await port.waitForWorker(link);
      return link;
    },
    async stop() {
      await worker.stop();
      await port.stop();
    },
  };
}
