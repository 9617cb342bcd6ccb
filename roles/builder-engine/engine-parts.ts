import type { Clock, Logger, Result } from "@multimaster/core";
import type { Data } from "@multimaster/data";
import type { EngineArtifacts } from "./artifacts/engine-artifacts.ts";
import type { AwaitedBuildsets } from "./builds/awaited-buildsets.ts";
import type { Persistence } from "./builds/persistence.ts";
import type { StepLocks } from "./locks/step-locks.ts";
import type { LoopWatchdog } from "./loop-watchdog.ts";
import type { MasterAccess } from "./on-master/master-access.ts";
import type { CommandLedger } from "./workers/command-ledger.ts";

/** The parts that exist as long as the engine, and with which each of its builds and steps works. */
export interface EngineParts {
  readonly data: Data;
  readonly persistence: Persistence;
  readonly ledger: CommandLedger;
  readonly watchdog: LoopWatchdog;
  readonly awaited: AwaitedBuildsets;
  readonly locks: StepLocks;
  /** Undefined: the cluster has no artifact store. */
  readonly artifacts: EngineArtifacts | undefined;
  readonly onMaster: MasterAccess;
  /** Where people see the cluster, with a slash at its end; "" when the config does not say. */
  readonly siteUrl: string;
  /** How long builds wait for another engine if this one dies, in milliseconds; null: not at all. */
  readonly adoptWithinMs: number | null;
  readonly clock: Clock;
  readonly log: Logger;
  /** The end of a build has been written. */
  onFinished(results: Result): void;
}
