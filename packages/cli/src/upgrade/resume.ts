import { errors } from "@multimaster/core";
import type { MasterStatus, UpgradePair, UpgradeRun } from "@multimaster/operator/upgrade-rows";
import type { Replacement } from "./plan.ts";
import type { Successor } from "./start-successor.ts";

/** Plans to resume an upgrade that was killed: its new masters run beside the old ones. */
export function planResume(
  masters: readonly MasterStatus[],
  runs: readonly UpgradeRun[],
  { host, config, names }: { host: string; config: string; names?: readonly string[] },
): Replacement[] | undefined {
  const run = runs.findLast((one) => one.host === host);
  const left = run ? findLeft(masters, run) : [];
  const started = left.flatMap(({ running }) => running?.name ?? []);
  // No successor was started, or no master is left to replace: a new upgrade may begin.
  if (!run || started.length === 0) return undefined;
  const began = new Date(run.beganAt * 1000).toISOString();
  if (run.config !== config) throw errors.upgradeUnfinished(host, began, `it was started with ${run.config}`, started);
  if (names && !left.every(({ old }) => names.includes(old.name)))
    throw errors.upgradeUnfinished(host, began, `it replaces ${left.map(({ old }) => old.name).join(", ")}`, started);
  return left;
}

/** The pairs whose old master still runs. */
function findLeft(masters: readonly MasterStatus[], { host, pairs }: UpgradeRun): Replacement[] {
  return pairs.flatMap((pair) => {
    const old = masters.find((one) => isOld(one, pair));
    const running = masters.find((one) => one.alive && one.host === host && one.name === pair.name);
    const { name, roles, builderSets } = pair;
    return old ? { old, name, roles, builderSets, ...(running ? { running } : {}) } : [];
  });
}

const isOld = ({ alive, name, pid, state }: MasterStatus, pair: UpgradePair) =>
  alive && state !== "draining" && name === pair.old && pid === pair.pid;

/** A successor that the killed upgrade started. */
export function adoptSuccessor(
  replacement: Replacement,
  running: MasterStatus,
  isRunning: (pid: number) => boolean,
): Successor {
  const { pid } = running;
  const isGone = () => !isRunning(pid);
  return {
    replacement,
    pid,
    logFile: "(of the upgrade before)",
    failure: () => (isGone() ? "has ended" : undefined),
    isGone,
    signal: (signal) => void (isGone() || process.kill(pid, signal)),
  };
}
