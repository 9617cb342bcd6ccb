import type { WorkersSlice } from "@multimaster/config";
import type { Clock, HostCheck, Logger } from "@multimaster/core";
import type { Data } from "@multimaster/data";
import type { Admission, ServedCertificate } from "@multimaster/wire";
import type { BuildAdopter } from "../builds/adopt-builds.ts";
import type { Persistence } from "../builds/persistence.ts";
import type { AttachedWorkers } from "./attached-worker.ts";
import type { CommandLedger } from "./command-ledger.ts";
import type { WorkerCredentials } from "./worker-credentials.ts";

/** What the worker server goes by, and what it works with. */
export interface WorkerServerOptions {
  slice: WorkersSlice;
  credentials: WorkerCredentials;
  /** Of the worker ports, if they speak TLS; started before this. */
  certificate: ServedCertificate | undefined;
  /** This master's name. */
  master: string;
  /** Where relative paths of the config begin. */
  directory: string;
  /** Names of workers that some builder of this engine can use; others are sent on to the next engine. */
  useful: ReadonlySet<string>;
  /** Instances of latent workers, which have no password in the config; undefined: the name is none of theirs. */
  authenticateInstance(name: string, password: string): Admission | Promise<Admission> | undefined;
  /** Takes the workers that were added at run time a moment ago; false: it failed. Undefined: none may be added. */
  refreshAccounts: (() => Promise<boolean>) | undefined;
  /** Directories that builders of this engine use on a worker. */
  directoriesOf(worker: string): readonly string[];
  workers: AttachedWorkers;
  data: Data;
  persistence: Persistence;
  ledger: CommandLedger;
  adopter: BuildAdopter;
  clock: Clock;
  log: Logger;
  isReady(): true | string;
  /** Names by which this master may be asked for its metrics. */
  isOwnHost: HostCheck;
  metrics(): Promise<{ contentType: string; text: string }>;
  onListening(url: string): void;
}

/** What of a running server another config replaces. */
export interface ReconfiguredWorkers extends Pick<WorkerServerOptions, "slice" | "useful" | "directoriesOf"> {
  readonly sealingKey: Buffer | undefined;
}
