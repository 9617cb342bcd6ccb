import type { CommandArgs, CommandName } from "@multimaster/wire";
import type { CommandOutput } from "./command-output.ts";

/** What a command may use while it runs. */
export interface CommandContext {
  readonly output: CommandOutput;
  /** The environment that processes start from. */
  readonly environment: Readonly<Record<string, string>>;
  readonly basedir: string;
  /** Aborts when the master interrupts the command. */
  readonly interrupted: AbortSignal;
  /** Aborts when the worker stops: the command must end immediately. */
  readonly killed: AbortSignal;
  /** Sends a request about this command to the master; rejects if the master refuses or is disconnected. */
  request(op: string, fields?: Record<string, unknown>): Promise<unknown>;
}

/**
 * Runs one command to its end and resolves with its return code; undefined if there is none. An error that it throws is
 * reported as a fault of the worker, not as a failure of the program that was run.
 */
export type CommandBody<N extends CommandName> = (
  context: CommandContext,
  args: CommandArgs<N>,
) => Promise<number | undefined>;
