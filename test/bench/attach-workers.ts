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

/** Connects the workers of a system, spread over its engines, and waits until all are attached. */
export async function attachWorkers(
  system: System,
  names = numbered("worker", system.scene.workers),
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
  const groups: SyntheticWorkers[] = workerPorts.map((port, i) =>
    startSyntheticWorkers({
      port,
      names: names.filter((_, n) => n % workerPorts.length === i),
      password: workerPassword,
      onCommand,
    }),
  );
  await waitFor(async () => (await countAttached(system)) >= names.length, {
    what: `${names.length} workers to be attached`,
    timeoutMs: 300_000,
    intervalMs: 20,
  });
  return {
    attachMs: performance.now() - begin,
    nextCommand: (text) => new Promise((resolve) => void waiting.push({ text, resolve })),
    async stop() {
      await Promise.all(groups.map((group) => group.stop()));
    },
  };
}

async function countAttached(system: System): Promise<number> {
  const [row] = await system.rows<{ n: string }>("select count(distinct workerid) as n from connected_workers");
  return Number(row?.n);
}
