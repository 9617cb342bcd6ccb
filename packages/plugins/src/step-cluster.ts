import type { Json, Result } from "@multimaster/core";

/** A step of this build that has ended. */
export interface EndedStep {
  readonly stepid: number;
  readonly number: number;
  readonly name: string;
  readonly results: Result;
  /** Its text. */
  readonly state: string;
  /** Names of its logs. */
  readonly logs: readonly string[];
}

/** A build request that no build has fulfilled yet. */
export interface PendingRequest {
  readonly buildrequestid: number;
  readonly builder: string;
  readonly priority: number;
  /** Seconds since the epoch. */
  readonly submittedAt: number;
  /** Whether an engine has it, so that its build is running or about to. */
  readonly claimed: boolean;
  readonly properties: Readonly<Record<string, Json>>;
}

/** What a step may read of the cluster: of its own build everything, of others what waits. Nothing here changes anything. */
export interface StepCluster {
  /** Steps of this build that have ended, in their order. */
  steps(): Promise<readonly EndedStep[]>;
  /** The beginning of a log of this build, at most `maxCharacters` (1 MiB by default); undefined: there is none of that name. */
  readLog(step: string, log: string, maxCharacters?: number): Promise<string | undefined>;
  /** Open build requests, the oldest first and a thousand at most: of one builder, or of all. */
  pendingRequests(builder?: string): Promise<readonly PendingRequest[]>;
}
