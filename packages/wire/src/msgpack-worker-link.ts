import type { Logger } from "@multimaster/core";
import { Backlog } from "./backlog.ts";
import { completeArgs, maxUploadOf } from "./command-request.ts";
import type { CommandName } from "./commands.ts";
import type { Message } from "./frames.ts";
import { Link } from "./link.ts";
import { LinkClosed, type LinkEnd, RemoteException, RequestRefused, RequestTimedOut } from "./link-errors.ts";
import {
  type CommandId,
  defaultWorkerSettings,
  listedCommands,
  parseRequest,
  type WorkerRequest,
  workerRequests,
} from "./messages.ts";
import { type CommandOutcome, RunningCommand } from "./running-command.ts";
import type { Transport } from "./transport.ts";
import { parseWorkerInfo, type WorkerInfo } from "./worker-info.ts";
import type { CommandRequest, KeptCommand, NotResumed, WorkerLink, WorkerSetup } from "./worker-link.ts";

export interface WorkerLinkOptions {
  /** The worker's name. */
  name: string;
  log: Logger;
}

/** "Policy violation" of WebSocket: the worker may not be here. */
const expelledCode = 1008;
/** Timeout for requests that a healthy worker answers immediately. */
const answerMs = 10_000;

/** A worker that speaks MessagePack, over any transport. */
export class MsgpackWorkerLink implements WorkerLink {
  readonly protocol = "msgpack";
  readonly commandsOutliveConnection = true;
  readonly name: string;
  readonly closed: Promise<LinkEnd>;
  #link: Link;
  #commands = new Map<CommandId, RunningCommand>();
  #backlog: Backlog;

  constructor(transport: Transport, options: WorkerLinkOptions) {
    this.name = options.name;
    this.#link = new Link(transport, {
      log: options.log,
      peer: `worker ${options.name}`,
      onBadFrame: "close",
      onRequest: (op, fields, bytes) => this.#handle(op, fields, bytes),
    });
    this.#backlog = new Backlog(this.#link);
    this.closed = this.#link.closed.then((end) => {
      for (const command of this.#commands.values()) command.end({ kind: "lost" });
      this.#commands.clear();
      return end;
    });
  }

  /** With MessagePack no worker announces its shutdown. */
  onShutdownRequest(): void {}

  get isOpen(): boolean {
    return this.#link.isOpen;
  }

  get runningCommands(): readonly string[] {
    return [...this.#commands.keys()].map(String);
  }

  /** A worker that cannot pack its answer sends none: then this times out. */
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

  /** Sends the worker the settings for batching output. */
  async configure({ settings = {} }: WorkerSetup = {}): Promise<void> {
    const args = { ...defaultWorkerSettings, ...settings };
    await this.#link.request("set_worker_settings", { args }, { timeoutMs: answerMs });
  }

  async print(message: string): Promise<void> {
    await this.#link.request("print", { message }, { timeoutMs: answerMs });
  }

  async ping(timeoutMs = answerMs): Promise<void> {
    await this.#link.request("keepalive", {}, { timeoutMs });
  }

  /** The commands are not waited for and, by Python's worker, not killed. */
  async shutdown(): Promise<void> {
    try {
      await this.#link.request("shutdown", {}, { timeoutMs: answerMs });
    } catch (error) {
      if (!(error instanceof LinkClosed)) throw error;
    }
  }

  async startCommand<N extends CommandName>(request: CommandRequest<N>): Promise<CommandOutcome> {
    const { command, sent } = this.#send("start_command", request, request.keep === true ? { keep: true } : {});
    sent.catch((error: unknown) => {
      if (error instanceof LinkClosed) command.end({ kind: "lost" });
      else command.end({ kind: "exception", message: error instanceof Error ? error.message : String(error) });
    });
    return command.outcome;
  }

  async keptCommands(): Promise<readonly KeptCommand[]> {
    return (await this.#list()).flatMap(({ id, running, kept }) => (kept ? [{ id, running }] : []));
  }

  async stillRunning(ids: readonly string[]): Promise<readonly string[]> {
    return (await this.#list()).flatMap(({ id, running }) => (running && ids.includes(id) ? [id] : []));
  }

  async #list(): Promise<readonly (KeptCommand & { readonly kept: boolean })[]> {
    const answer = await this.#link.request("list_commands", {}, { timeoutMs: answerMs });
    const parsed = listedCommands.safeParse(answer);
    if (!parsed.success) throw new RequestRefused("the worker's list of commands is invalid");
    return parsed.data.map(({ command_id, running, kept }) => ({ id: String(command_id), running, kept }));
  }

  async resumeCommand<N extends CommandName>(request: CommandRequest<N>): Promise<CommandOutcome | NotResumed> {
    const { command, sent } = this.#send("resume_command", request, { from: 0 });
    const refused = sent.then(
      () => command.outcome,
      (error: unknown): CommandOutcome | NotResumed => {
        if (error instanceof LinkClosed) return { kind: "lost" };
        return { kind: "not-resumed", message: error instanceof Error ? error.message : String(error) };
      },
    );
    return Promise.race([command.outcome, refused]);
  }

  /** Registered before it is sent: a quick command's updates arrive before the response. */
  #send(op: string, request: CommandRequest, fields: Message) {
    const { id, name } = request;
    if (this.#commands.has(id)) throw new Error(`a command with the id ${id} already runs on ${this.name}`);
    const args = completeArgs(name, request.args);
    const command = new RunningCommand(request, maxUploadOf(args), () => {
      void this.interrupt(id, "the master cannot process its output").catch(() => undefined);
    });
    this.#commands.set(id, command);
    const sent = this.#link.request(op, { ...fields, command_id: id, command_name: name, args });
    sent.catch(() => this.#forget(id, command));
    return { command, sent };
  }

  /** Works for any id that runs in the worker's process, also one started over an earlier connection or by another master. */
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

  close(code = 1001, reason = ""): void {
    this.#link.close(code, reason);
  }

  expel(reason: string): void {
    for (const id of this.runningCommands) void this.interrupt(id, reason).catch(() => undefined);
    this.#link.hangUp(expelledCode, reason);
  }

  terminate(): void {
    this.#link.terminate();
  }

  #handle(op: string, fields: Message, bytes: number): Promise<unknown> {
    const request = this.#parse(op, fields);
    const id = request.fields.command_id;
    const command = this.#commands.get(id);
    if (command === undefined) throw new RequestRefused(`no command ${id} runs here`);
    if (request.op === "complete") this.#forget(id, command);
    const answer = command.handle(request);
    this.#backlog.hold(bytes, answer);
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
}
