import { type SyntheticWorkers, startSyntheticWorkers } from "../harness/synthetic-workers.ts";
import { waitFor } from "../harness/wait-for.ts";
import { numbered, type System, workerPassword } from "./sides/side.ts";

/** The workers of a scene, which pretend to run commands; both sides get the same ones, over the same protocol. */
export interface Workers {
  /** How long it took until the master's rows showed all of them. */
  readonly attachMs: number;
  /** Resolves with the time of the next command that begins, or of the next one of this text. */
  nextCommand(text?: string): Promise<{ at: number; worker: string }>;
  stop(): Promise<void>;
}

export interface AttachOptions {
  readonly names?: readonly string[];
  readonly protocol?: "msgpack" | "pb";
  /** How many connect at the same time. */
  readonly atATime?: number;
}

/** Buildbot drops a connection that it has not accepted after 5 s, so a master that is slow with all at once would never end. */
const usuallyAtATime = 8;
/** On a busy machine workers that give up and come back would hide how long the master takes. */
const handshakeTimeoutMs = 60_000;

/** Connects the workers of a system, spread over its engines, and waits until all are attached. */
export async function attachWorkers(
  system: System,
  {
    names = numbered("worker", system.scene.workers),
    protocol = "msgpack",
    atATime = usuallyAtATime,
  }: AttachOptions = {},
): Promise<Workers> {
  const waiting: { text: string | undefined; resolve(begun: { at: number; worker: string }): void }[] = [];
  const onCommand = (command: string, worker: string) => {
    const at = performance.now();
    for (const one of waiting.splice(0)) {
      if (one.text === undefined || one.text === command) one.resolve({ at, worker });
      else waiting.push(one);
    }
  };
  const begin = performance.now();
  const { workerPorts } = system;
  const started: SyntheticWorkers[] = [];
  const taken = new Map<string, () => void>();
  const remaining = names.map((name, i) => ({ name, port: workerPorts[i % workerPorts.length] as number }));
  async function connect(): Promise<void> {
    for (let next = remaining.shift(); next; next = remaining.shift()) {
      const { name, port } = next;
      const isTaken = new Promise<void>((resolve) => taken.set(name, resolve));
      const onTaken = () => taken.get(name)?.();
      started.push(
        startSyntheticWorkers({
          port,
          names: [name],
          protocol,
          password: workerPassword,
          onCommand,
          onTaken,
          handshakeTimeoutMs,
        }),
      );
      await isTaken;
    }
  }
  const connecting = Promise.all(Array.from({ length: atATime }, connect));
  let attached = 0;
  await waitFor(async () => (attached = await countAttached(system)) >= names.length, {
    what: `${names.length} workers to be attached`,
    timeoutMs: 300_000,
    intervalMs: 20,
  }).catch((error: Error) => {
    throw new Error(`${error.message}; ${attached} were`, { cause: error });
  });
  await connecting;
  return {
    attachMs: performance.now() - begin,
    nextCommand: (text) => new Promise((resolve) => void waiting.push({ text, resolve })),
    async stop() {
      await Promise.all(started.map((one) => one.stop()));
    },
  };
}

async function countAttached(system: System): Promise<number> {
  const [row] = await system.rows<{ n: string }>("select count(distinct workerid) as n from connected_workers");
  return Number(row?.n);
}
