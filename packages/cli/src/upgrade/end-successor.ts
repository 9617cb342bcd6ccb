import { systemClock } from "@multimaster/core";
import type { UpgradeRows } from "@multimaster/operator/upgrade-rows";
import type { Successor } from "./start-successor.ts";

interface EndOptions {
  rows: Pick<UpgradeRows, "masters" | "drain">;
  /** It was ready, and so may have builds that shall finish. */
  hadWork: boolean;
  /** Running builds are given back when they take longer. */
  deadlineMs: number | undefined;
}

/** One that never had work is killed when it does not obey. */
const stubbornMs = 10_000;
/** A second signal means "now", unless it follows so closely that it may be an echo of the first. */
const echoMs = 1000;
/** One that gives its builds back needs this long. */
const giveBackMs = 30_000;

/** Ends a master that was started in vain; undefined when it is gone, otherwise a word on what is left. */
export async function endSuccessor(successor: Successor, options: EndOptions): Promise<string | undefined> {
  const { name } = successor.replacement;
  if (successor.pid === undefined)
    return (await endSupervised(name, options)) ? undefined : `${name} (stop it with its supervisor)`;
  const patience = options.hadWork
    ? [Math.max(options.deadlineMs ?? Number.POSITIVE_INFINITY, echoMs), giveBackMs]
    : [stubbornMs];
  for (const patienceMs of patience) {
    successor.signal("SIGTERM");
    if (await waitUntilGone(successor, patienceMs)) return undefined;
  }
  successor.signal("SIGKILL");
  return (await waitUntilGone(successor, stubbornMs)) ? undefined : `${name} (pid ${successor.pid})`;
}

async function waitUntilGone(successor: Successor, patienceMs: number): Promise<boolean> {
  const deadline = performance.now() + patienceMs;
  while (!successor.isGone() && performance.now() < deadline) await systemClock.sleep(100);
  return successor.isGone();
}

/** What never joined the cluster is known to its supervisor only. */
async function endSupervised(name: string, { rows, deadlineMs }: EndOptions): Promise<boolean> {
  const row = (await rows.masters()).find((master) => master.alive && master.name === name);
  return row !== undefined && (await rows.drain(row, { deadlineMs })).outcome !== "draining";
}
