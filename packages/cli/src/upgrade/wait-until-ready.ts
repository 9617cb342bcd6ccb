import { systemClock } from "@multimaster/core";
import type { MasterStatus } from "@multimaster/operator/upgrade-rows";
import type { Successor } from "./start-successor.ts";

export interface ReadyOptions {
  release: string;
  timeoutMs: number;
  interrupted: AbortSignal;
  masters(): Promise<MasterStatus[]>;
  /** The result of the master's own health checks. */
  askReady(name: string, roles: readonly string[]): Promise<true | string>;
  onReady(successor: Successor, row: MasterStatus, seconds: number): void;
}

const lookMs = 300;

/** Waits until all successors are ready, in the rows and by health checks; otherwise returns a message that names the others. */
export async function waitUntilReady(
  successors: readonly Successor[],
  options: ReadyOptions,
): Promise<string | undefined> {
  const began = performance.now();
  const waiting = new Map(successors.map((successor) => [successor, "it has not joined the cluster"]));
  for (;;) {
    const rows = await options.masters();
    for (const successor of [...waiting.keys()]) {
      const state = await judge(successor, rows, options);
      if (typeof state === "string") {
        waiting.set(successor, state);
      } else {
        waiting.delete(successor);
        options.onReady(successor, state, (performance.now() - began) / 1000);
      }
    }
    // Also checks successors that were ready before: they must still run.
    for (const successor of successors) {
      const failure = successor.failure();
      if (failure !== undefined) return `the new master ${successor.replacement.name} ${failure}`;
    }
    if (waiting.size === 0) return undefined;
    if (options.interrupted.aborted) return "it was interrupted";
    if (performance.now() - began > options.timeoutMs) {
      const reasons = [...waiting].map(([{ replacement }, why]) => `${replacement.name} (${why})`);
      return `within ${options.timeoutMs / 1000} s these new masters did not become ready: ${reasons.join(", ")}`;
    }
    await systemClock.sleep(lookMs, options.interrupted);
  }
}

/** Returns the successor's row if it is ready, otherwise the reason why not. */
async function judge(
  { replacement, pid }: Successor,
  rows: readonly MasterStatus[],
  { release, askReady }: ReadyOptions,
): Promise<MasterStatus | string> {
  const row = rows.find(({ name, alive }) => alive && name === replacement.name);
  if (row === undefined) return "it has not joined the cluster";
  if (row.host !== replacement.old.host || (pid !== undefined && row.pid !== pid))
    return `its name belongs to the process ${row.pid} of host ${row.host}`;
  if (row.release !== release) return `it runs release ${row.release}, not ${release}`;
  if (row.state !== "running") return `it is ${row.state}`;
  const ready = await askReady(row.name, row.roles);
  return ready === true ? row : ready;
}
