import type { CommandInput, CommandName } from "./commands.ts";
import type { LinkEnd } from "./link-errors.ts";
import type { WorkerSettings } from "./messages.ts";
import type { CommandConsumers, CommandOutcome } from "./running-command.ts";
import type { WorkerInfo } from "./worker-info.ts";

/** A command to run on a worker. */
export type CommandRequest<N extends CommandName = CommandName> = CommandConsumers & {
  /** Unique in the cluster over the lifetime of the worker process, and recorded before it is sent. */
  readonly id: string;
  readonly name: N;
  readonly args: CommandInput<N>;
  /** The worker shall keep its output, so that another master can resume it. Only for a worker with the capability. */
  readonly keep?: boolean;
};

/** A command that a worker runs, or keeps although it has completed. */
export interface KeptCommand {
  readonly id: string;
  readonly running: boolean;
}

/** The worker does not let this master resume the command. */
export interface NotResumed {
  readonly kind: "not-resumed";
  readonly message: string;
}

/** What a worker is told before its first command. Each protocol uses what it has a message for. */
export interface WorkerSetup {
  /** How it batches and splits output. */
  settings?: Partial<WorkerSettings>;
  /** Names of the directories below its base directory that builders may use: a worker that deletes others keeps these. */
  directories?: readonly string[];
}

/** The master's end of one connection with a worker, for any worker program, any protocol and any transport. */
export interface WorkerLink {
  readonly name: string;
  /** For the log. */
  readonly protocol: "msgpack" | "pb";
  /** Commands run on when the connection ends, and can be interrupted by id over the next one. Otherwise the worker kills them. */
  readonly commandsOutliveConnection: boolean;
  /** Resolves when the connection has ended. */
  readonly closed: Promise<LinkEnd>;
  readonly isOpen: boolean;
  /** Ids of the commands started over this connection that have not completed. */
  readonly runningCommands: readonly string[];

  /** What the worker reports about itself. */
  getInfo(): Promise<WorkerInfo>;
  /** Sets the worker up. Call it before the first command. */
  configure(setup?: WorkerSetup): Promise<void>;
  /** Writes a line to the worker's log. */
  print(message: string): Promise<void>;
  /** Resolves when the worker answers; rejects if it does not within `timeoutMs` or has disconnected. */
  ping(timeoutMs?: number): Promise<void>;
  /** Ends the worker's process. Its commands are not waited for. */
  shutdown(): Promise<void>;
  /** Calls the listener when the worker asks to be shut down after its builds. */
  onShutdownRequest(listener: () => void): void;
  /** Runs a command and resolves with its outcome. Rejects only with an error thrown by a consumer of its updates. */
  startCommand<N extends CommandName>(request: CommandRequest<N>): Promise<CommandOutcome>;
  /** Commands of the worker that `resumeCommand` can resume; none of a worker without the capability. */
  keptCommands(): Promise<readonly KeptCommand[]>;
  /** Which of these commands still run; only a worker with the capability to resume commands can say so. */
  stillRunning(ids: readonly string[]): Promise<readonly string[]>;
  /** As if this connection had started the command: consumes all its updates from the first one on, and then its end. */
  resumeCommand<N extends CommandName>(request: CommandRequest<N>): Promise<CommandOutcome | NotResumed>;
  /** Kills a command; its updates may belong to another connection. An unknown id is not an error. */
  interrupt(id: string, why: string): Promise<void>;
  /** Ends the connection after everything sent so far; the worker reconnects by itself, to any master that listens. */
  close(code?: number, reason?: string): void;
  /**
   * Kills the commands, which their builds are to count as lost, and ends the connection: the worker hears the interruptions
   * first, and nothing is taken from it any more.
   */
  expel(reason: string): void;
  /** Cuts the connection. */
  terminate(): void;
}
