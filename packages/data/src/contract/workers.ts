import type { EngineLoad } from "@multimaster/database";
import type { Trail } from "../model/actor.ts";

export interface WorkerInfo {
  admin: string | null;
  host: string | null;
  access_uri: string | null;
  version: string | null;
}

/** What an engine needs to know of a worker's row, since any UI master may have changed it. */
export interface WorkerState {
  workerid: number;
  name: string;
  paused: boolean;
  graceful: boolean;
  /** Graceful, but without waiting for its builds. */
  atOnce: boolean;
}

export interface WorkerUpdates {
  /** Finds or creates the rows; ids by name. */
  register(names: readonly string[]): Promise<ReadonlyMap<string, number>>;
  /**
   * Claims the worker for this master and marks it connected (fenced). Lost: another live master has it; that one is
   * told to check whether its connection still lives. `maxBuilds`: how many builds this master gives it at once.
   */
  attach(workerid: number, info: WorkerInfo, maxBuilds?: number): Promise<"attached" | "lost">;
  /** Gives the worker back (only if it is this master's) and publishes `disconnected`. */
  detach(workerid: number): Promise<void>;
  /** Workers of this master that another master was offered too: ping them, and detach those that do not answer. */
  contested(): Promise<number[]>;
  /** The contested worker answers on its connection here: it stays. */
  keep(workerid: number): Promise<void>;
  states(workerids: readonly number[]): Promise<WorkerState[]>;
  /** The live engines with the same builder sets as this one, itself included, and how many workers each has. */
  engineLoads(): Promise<EngineLoad[]>;
  setPaused(workerid: number, paused: boolean, reason: string | null, trail?: Trail): Promise<void>;
  setGraceful(workerid: number, graceful: boolean | "at once", trail?: Trail): Promise<void>;
}
