import type { Bus, BusHub } from "@multimaster/bus";
import type { Lease } from "@multimaster/cluster";
import type { LoadedConfig } from "@multimaster/config";
import type { MetricFigures } from "@multimaster/core";
import type { Database } from "@multimaster/database";
import type { Loaded, RoleState, Standing } from "./messages.ts";

/** What a term of a role begins with. */
export interface Beginning {
  readonly lease: Lease;
  readonly standing: Standing;
  /** Most connections to the database, if it does not share those of the main thread. */
  readonly connections: number;
  /** What the master has; a thread of its own gets its own of it. */
  readonly shared: { readonly database: Database; readonly bus: Bus; readonly hub: BusHub };
}

/** Where one role runs, over all terms of its master: in the main thread (`RoleInMain`) or in one of its own (`RoleThread`). */
export interface RoleHost {
  readonly name: string;
  readonly state: RoleState;
  /** False for a role whose work goes on under a later lease as it is. */
  readonly holdsClaims: boolean;
  /** The lease under which the role works now. */
  readonly term: Lease | undefined;
  /** Whether a term has ever begun. */
  readonly hasWorked: boolean;
  /** How long it has to be waited before a thread that died is started again. */
  readonly pauseMs: number;
  /** For how long its event loop has been standing still, as others see it. */
  readonly blockedMs: number;
  /** Called once if the thread dies. */
  onDeath(listener: ((error: Error) => void) | undefined): void;
  /** Loads the role's part of the config; throws what is wrong with that. */
  load(): Promise<Loaded>;
  /** Begins a term; the role's services have started when it resolves. */
  begin(beginning: Beginning): Promise<void>;
  /** The role goes on under the next lease of the same master. */
  renew(lease: Lease): void;
  drain(): Promise<void>;
  /** A drain in progress gives its work back now. */
  force(reason: string): void;
  resume(): Promise<void>;
  /** Brings `state` up to date. */
  look(): Promise<void>;
  /** The lease is lost; without the database, when it is out of reach: then nothing waits for an answer of it. */
  lose(database: "in reach" | "out of reach"): void;
  setStanding(standing: Standing): void;
  /** The role's figures. */
  measure(): Promise<MetricFigures>;
  /** Loads the role's part of the next config, which the main thread has loaded; throws what is wrong with that. */
  prepare(config: LoadedConfig): Promise<Loaded>;
  /** The role goes on with what was prepared. When this rejects, its term cannot go on; the next begins with the new config. */
  apply(): Promise<void>;
  /** Forgets what was prepared. */
  discard(): Promise<void>;
  /** Ends the term: the role's services have stopped when it resolves. */
  stop(): Promise<void>;
  /** Ends the term and the thread, if it has one. */
  close(): Promise<void>;
}

/** A thread ended although no one asked it to. */
export class ThreadDied extends Error {
  override readonly name = "ThreadDied";
}
