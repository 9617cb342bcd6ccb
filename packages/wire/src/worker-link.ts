import type { Logger } from "@multimaster/core";
import { type CommandInput, type CommandName, commandArgs } from "./commands.ts";
import type { Message } from "./frames.ts";
import { Link } from "./link.ts";
import { LinkClosed, type LinkEnd, RemoteException, RequestRefused, RequestTimedOut } from "./link-errors.ts";
import {
  type CommandId,
  defaultWorkerSettings,
  describeIssues,
  parseRequest,
  type WorkerRequest,
  type WorkerSettings,
  workerRequests,
} from "./messages.ts";
import { type CommandConsumers, type CommandOutcome, RunningCommand } from "./running-command.ts";
import type { Transport } from "./transport.ts";
import { parseWorkerInfo, type WorkerInfo } from "./worker-info.ts";

/** A command to run on a worker. */
export type CommandRequest<N extends CommandName = CommandName> = CommandConsumers & {
  /** Unique in the cluster over the lifetime of the worker process, and recorded before it is sent. */
  readonly id: string;
  readonly name: N;
  readonly args: CommandInput<N>;
};

export interface WorkerLinkOptions {
  /** The worker's name. */
  name: string;
  log: Logger;
}

/** Limits on bytes received but not yet consumed: above the first, the connection is not read; below the second, again. */
const highWater = 4 * 1024 * 1024;
const lowWater = 1024 * 1024;

/** Overhead of a frame beside its bytes, so that a million tiny frames count too. */
const frameCost = 512;

/** Timeout for requests that a healthy worker answers immediately. */
const answerMs = 10_000;

/** The master's end of one connection with a worker, for any worker program and any transport. */
export class WorkerLink {
  readonly name: string;
  /** Resolves when the connection has ended. */
  readonly closed: Promise<LinkEnd>;
  #link: Link;
  #commands = new Map<CommandId, RunningCommand>();
  #unconsumed = 0;
  #paused = false;

  constructor(transport: Transport, options: WorkerLinkOptions) {
    this.name = options.name;
    this.#link = new Link(transport, {
      log: options.log,
      peer: `worker ${options.name}`,
      onBadFrame: "close",
      onRequest: (op, fields, bytes) => this.#handle(op, fields, bytes),
    });
    this.closed = this.#link.closed.then((end) => {
      for (const command of this.#commands.values()) command.end({ kind: "lost" });
      this.#commands.clear();
      return end;
    });
  }

  get isOpen(): boolean {
    return this.#link.isOpen;
  }

  /** Ids of the commands started over this connection that have not completed. */
  get runningCommands(): readonly string[] {
    return [...this.#commands.keys()].map(String);
  }

  /** What the worker reports about itself. A worker that cannot pack its answer sends none: then this times out. */
  async getInfo(): Promise<WorkerInfo> {
    try {
      return parseWorkerInfo(await this.#link.request("get_worker_info", {}, { timeoutMs: answerMs }));
    } catch (error) {
      if (!(error instanceof RequestTimedOut)) throw error;
      throw new RequestTimedOut(
        `${error.message}; a buildbot-worker does not answer if a variable of its environment is not UTF-8 text: see its twistd.log`,
      );
    }
  }

  /** Sends the worker the settings for batching output. Call it before the first command. */
  async configure(settings: Partial<WorkerSettings> = {}): Promise<void> {
    const args = { ...defaultWorkerSettings, ...settings };
    await this.#link.request("set_worker_settings", { args }, { timeoutMs: answerMs });
  }

  /** Writes a line to the worker's log. */
  async print(message: string): Promise<void> {
    await this.#link.request("print", { message }, { timeoutMs: answerMs });
  }

  /** Resolves when the worker answers; rejects if it does not within `timeoutMs` or has disconnected. */
  async ping(timeoutMs = answerMs): Promise<void> {
    await this.#link.request("keepalive", {}, { timeoutMs });
  }

  /** Ends the worker's process. Its commands are not waited for and, by Python's worker, not killed. */
  async shutdown(): Promise<void> {
    try {
      await this.#link.request("shutdown", {}, { timeoutMs: answerMs });
    } catch (error) {
      if (!(error instanceof LinkClosed)) throw error;
    }
  }

  /** Runs a command and resolves with its outcome. Rejects only with an error thrown by a consumer of its updates. */
  async startCommand<N extends CommandName>(request: CommandRequest<N>): Promise<CommandOutcome> {
    const { id, name } = request;
    if (this.#commands.has(id)) throw new Error(`a command with the id ${id} already runs on ${this.name}`);
    const args = completeArgs(name, request.args);
    const command = new RunningCommand(request, maxUploadOf(args), () => {
      void this.interrupt(id, "the master cannot process its output").catch(() => undefined);
    });
    // Registered before it is sent: a quick command's updates arrive before the response.
    this.#commands.set(id, command);
    this.#link.request("start_command", { command_id: id, command_name: name, args }).catch((error: unknown) => {
      this.#forget(id, command);
      if (error instanceof LinkClosed) command.end({ kind: "lost" });
      else command.end({ kind: "exception", message: error instanceof Error ? error.message : String(error) });
    });
    return command.outcome;
  }

  /**
   * Kills a command. Works for any id that runs in the worker's process, also one started over an earlier connection or by
   * another master (its updates then do not arrive here). An unknown id is not an error.
   */
  async interrupt(id: string, why: string): Promise<void> {
    const command = this.#commands.get(id);
    if (command !== undefined) command.interrupted = true;
    try {
      await this.#link.request("interrupt_command", { command_id: id, why }, { timeoutMs: answerMs });
    } catch (error) {
      // A worker that refuses has nothing to interrupt; if it has disconnected, its commands are reported as lost.
      if (!(error instanceof RemoteException) && !(error instanceof LinkClosed)) throw error;
    }
  }

  /** Ends the connection after everything sent so far; the worker reconnects by itself, to any master that listens. */
  close(code = 1001, reason = ""): void {
    this.#link.close(code, reason);
  }

  /** Cuts the connection. */
  terminate(): void {
    this.#link.terminate();
  }

  #handle(op: string, fields: Message, bytes: number): Promise<unknown> {
    const request = this.#parse(op, fields);
    const id = request.fields.command_id;
    const command = this.#commands.get(id);
    if (command === undefined) throw new RequestRefused(`no command ${id} runs here`);
    const cost = bytes + frameCost;
    if (request.op === "complete") this.#forget(id, command);
    const answer = command.handle(request);
    this.#hold(cost);
    void answer.catch(() => undefined).then(() => this.#release(cost));
    return answer;
  }

  /** Parses a worker's request. One that cannot be read spoils its command, because it may have reported anything. */
  #parse(op: string, fields: Message): WorkerRequest {
    try {
      return parseRequest(workerRequests, op, fields);
    } catch (error) {
      const id = fields["command_id"];
      const command = typeof id === "string" || typeof id === "number" ? this.#commands.get(id) : undefined;
      command?.spoil(error instanceof Error ? error.message : String(error));
      throw error;
    }
  }

  #forget(id: string | number, command: RunningCommand): void {
    if (this.#commands.get(id) === command) this.#commands.delete(id);
  }

  #hold(bytes: number): void {
    this.#unconsumed += bytes;
    if (this.#paused || this.#unconsumed < highWater) return;
    this.#paused = true;
    this.#link.pause();
  }

  #release(bytes: number): void {
    this.#unconsumed -= bytes;
    if (!this.#paused || this.#unconsumed > lowWater) return;
    this.#paused = false;
    this.#link.resume();
  }
}

/** The `maxsize` of an upload. */
function maxUploadOf(args: unknown): number | null {
  const { maxsize } = (args ?? {}) as { maxsize?: unknown };
  return typeof maxsize === "number" ? maxsize : null;
}

/** Checks the arguments and fills in defaults; an unknown command is sent unchanged, for the worker to refuse. */
function completeArgs(name: string, args: unknown): unknown {
  const schema = Object.hasOwn(commandArgs, name) ? commandArgs[name as CommandName] : undefined;
  if (schema === undefined) return args;
  const parsed = schema.safeParse(args);
  if (!parsed.success)
    throw new RequestRefused(`the arguments of "${name}" are wrong: ${describeIssues(parsed.error)}`);
  return parsed.data;
}
