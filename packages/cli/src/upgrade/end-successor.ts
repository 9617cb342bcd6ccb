import { systemClock } from "@multimaster/core";
import type { UpgradeRows } from "@multimaster/operator/upgrade-rows";
import type { Successor } from "./start-successor.ts";

interface EndOptions {
  rows: Pick<UpgradeRows, "masters" | "drain">;
  /** It was ready, and so may have builds that must finish. */
  hadWork: boolean;
  /** Running builds are released when they take longer. */
  deadlineMs: number | undefined;
}

/** How long a master without work may take to end before it is killed. */
const killMs = 10_000;
/** A second signal means "now", unless it follows so soon that it may be an echo of the first. */
const echoMs = 1000;
/** How long a master may take to release its builds. */
const releaseMs = 30_000;

/** Ends a master of an abandoned upgrade; returns undefined when it has ended, otherwise a description of what is left. */
export async function endSuccessor(successor: Successor, options: EndOptions): Promise<string | undefined> {
  const { name } = successor.replacement;
  if (successor.pid === undefined)
    return (await endSupervised(name, options)) ? undefined : `${name} (stop it with its supervisor)`;
  const timeouts = options.hadWork
    ? [Math.max(options.deadlineMs ?? Number.POSITIVE_INFINITY, echoMs), releaseMs]
    : [killMs];
  for (const timeoutMs of timeouts) {
    successor.signal("SIGTERM");
    if (await waitUntilGone(successor, timeoutMs)) return undefined;
  }
  successor.signal("SIGKILL");
  return (await waitUntilGone(successor, killMs)) ? undefined : `${name} (pid ${successor.pid})`;
}

async function waitUntilGone(successor: Successor, timeoutMs: number): Promise<boolean> {
  const deadline = performance.now() + timeoutMs;
  while (!successor.isGone() && performance.now() < deadline) await systemClock.sleep(100);
  return successor.isGone();
}

/** Only the supervisor knows a master that never joined the cluster. */
async function endSupervised(name: string, { rows, deadlineMs }: EndOptions): Promise<boolean> {
  const row = (await rows.masters()).find((master) => master.alive && master.name === name);
  return row !== undefined && (await rows.drain(row, { deadlineMs })).outcome !== "draining";
}
