import { isDeepStrictEqual } from "node:util";
import type { Logger } from "@multimaster/core";
import {
  type CommandArgs,
  type CommandId,
  type CommandName,
  commandAliases,
  commandArgs,
  defaultWorkerSettings,
  describeIssues,
  Link,
  LinkClosed,
  type MasterRequest,
  masterRequests,
  parseRequest,
  RequestRefused,
  type Transport,
  type WorkerSettings,
} from "@multimaster/wire";
import type { CommandBody, CommandContext } from "./command.ts";
import { CommandOutput } from "./command-output.ts";
import { CommandReports, type KeepLimits } from "./command-reports.ts";
import { commandBodies } from "./commands/index.ts";
import { compileNewlinePattern } from "./newline-pattern.ts";
import { describeWorker } from "./worker-details.ts";

export interface CommandHostOptions {
  name: string;
  basedir: string;
  log: Logger;
  environment: Readonly<Record<string, string>>;
  /** What is kept of commands whose connection was lost; undefined: this worker ends with its master, nothing is. */
  keep?: KeepLimits;
  /** The master asked the worker to end; its answer is sent within `shutdownAnswerMs`. */
  onShutdown(): void;
}

interface Running {
  interrupt(): void;
  readonly ended: Promise<void>;
}

/** A command whose output is kept, so that it can be resumed over another connection. */
interface Kept {
  readonly name: CommandName;
  readonly args: CommandArgs;
  readonly reports: CommandReports;
}

/** In milliseconds: how long after a shutdown request the worker may end, so that its answer is sent. */
export const shutdownAnswerMs = 50;

/** Kept output of all commands, in characters, above which completed ones are released. */
const mostKept = 64 * 1024 * 1024;

/**
 * Runs commands for masters. It outlives connections: when one is lost, its commands continue without reporting, and can be
 * interrupted by id over the next connection.
 */
export class CommandHost {
  #options: CommandHostOptions;
  #settings: WorkerSettings = defaultWorkerSettings;
  #running = new Map<CommandId, Running>();
  #kept = new Map<CommandId, Kept>();
  #killed = new AbortController();

  constructor(options: CommandHostOptions) {
    this.#options = options;
  }

  /** Serves the master at the other end of a connection. */
  serve(transport: Transport): Link {
    const { log } = this.#options;
    const link: Link = new Link(transport, {
      log,
      peer: "the master",
      onBadFrame: "ignore",
      onRequest: (op, fields) => this.#handle(link, parseRequest(masterRequests, op, fields)),
    });
    return link;
  }

  /** Kills every command, with all processes of its group, and resolves when they have ended. */
  async stop(): Promise<void> {
    this.#killed.abort();
    for (const { reports } of [...this.#kept.values()]) reports.release();
    await Promise.all([...this.#running.values()].map((running) => running.ended));
  }

  #handle(link: Link, request: MasterRequest): unknown {
    const { log, basedir, environment, onShutdown, keep } = this.#options;
    switch (request.op) {
      case "print":
        log.info(`message of the master: ${request.fields.message}`);
        return null;
      case "keepalive":
        return null;
      case "get_worker_info":
        return describeWorker(basedir, environment, keep !== undefined);
      case "set_worker_settings":
        this.#settings = checkSettings(request.fields.args);
        return null;
      case "start_command":
        this.#start(link, request.fields);
        return null;
      case "list_commands":
        return this.#list();
      case "resume_command":
        this.#resume(link, request.fields);
        return null;
      case "interrupt_command":
        log.info(`asked to interrupt command ${request.fields.command_id}: ${String(request.fields.why)}`);
        this.#running.get(request.fields.command_id)?.interrupt();
        // Its end is not its own: no other master may take it for the result of the program.
        this.#kept.get(request.fields.command_id)?.reports.release();
        return null;
      case "shutdown":
        log.info("the master asked this worker to end");
        onShutdown();
        return null;
    }
  }

  #start(link: Link, { command_id: id, command_name, args: rawArgs, keep }: StartFields): void {
    if (this.#killed.signal.aborted) throw new RequestRefused("the worker is ending");
    const { name, args } = parseCommand(id, command_name, rawArgs);
    // Python's worker confuses two commands with the same id; refusing the second is better.
    if (this.#running.has(id)) throw new RequestRefused(`a command with the id ${id} already runs here`);

    const interruption = new AbortController();
    const output = new CommandOutput(this.#settings, (pairs, size) => reports.update(pairs, size));
    const reports = new CommandReports({
      id,
      link,
      keep: keep && name === "shell" ? this.#options.keep : undefined,
      onUnheard: () => output.buffer.discard(),
      onGivenUp: () => {
        this.#options.log.warn(`no master has resumed command ${id}: it is interrupted`);
        running.interrupt();
      },
      onReleased: () => void this.#kept.delete(id),
    });
    if (reports.isKept) this.#keep(id, { name, args, reports });
    const { basedir, environment } = this.#options;
    const context: CommandContext = {
      output,
      environment,
      basedir,
      interrupted: interruption.signal,
      killed: this.#killed.signal,
      request: (op, fields = {}) => link.request(op, { ...fields, command_id: id }),
    };
    const running: Running = {
      interrupt() {
        output.flush();
        interruption.abort();
      },
      ended: this.#run(context, name, args).then((failure) => {
        this.#running.delete(id);
        reports.complete(failure);
      }),
    };
    this.#running.set(id, running);
  }

  #keep(id: CommandId, kept: Kept): void {
    let size = 0;
    for (const { reports } of this.#kept.values()) size += reports.size;
    // The oldest first.
    for (const { reports } of [...this.#kept.values()]) {
      if (size <= mostKept) break;
      if (!reports.isComplete) continue;
      size -= reports.size;
      reports.release();
    }
    this.#kept.set(id, kept);
  }

  /** What runs here, and what has completed and is kept. */
  #list(): Record<string, unknown>[] {
    return [...new Set([...this.#running.keys(), ...this.#kept.keys()])].map((id) => {
      const reports = this.#kept.get(id)?.reports;
      return {
        command_id: id,
        running: this.#running.has(id),
        kept: reports !== undefined,
        updates: reports?.updates ?? 0,
      };
    });
  }

  /** Only a master that knows what the command is gets its output: it must be what that master would have started. */
  #resume(link: Link, { command_id: id, command_name, args: rawArgs, from }: ResumeFields): void {
    const kept = this.#kept.get(id);
    if (kept === undefined) throw new RequestRefused(`command ${id} is not kept here`);
    const { name, args } = parseCommand(id, command_name, rawArgs);
    if (name !== kept.name || !isDeepStrictEqual(args, kept.args))
      throw new RequestRefused(`command ${id} was started with other arguments`);
    this.#options.log.info(`command ${id} is resumed by a master`);
    kept.reports.resume(link, from);
  }

  /** Runs a command and reports its end; resolves with the error of the worker's own code, if there was one. */
  async #run(context: CommandContext, name: CommandName, args: CommandArgs): Promise<string | null> {
    const { output, interrupted } = context;
    const started = performance.now();
    // The command begins in a later turn, so that the start request is answered first.
    await new Promise((resolve) => setImmediate(resolve));
    let failure: string | null = null;
    try {
      const rc = await (commandBodies[name] as CommandBody<CommandName>)(context, args);
      if (rc !== undefined) output.set("rc", rc);
    } catch (error) {
      if (!(error instanceof LinkClosed)) {
        this.#options.log.warn({ err: error, command: name }, `the command ${name} failed in the worker`);
      }
      failure = `${name}: ${error instanceof Error ? error.message : String(error)}`;
    }
    if (!interrupted.aborted) output.set("elapsed", (performance.now() - started) / 1000);
    output.flush();
    return failure;
  }
}

function isCommandName(name: string): name is CommandName {
  return Object.hasOwn(commandBodies, name);
}

function checkSettings(settings: WorkerSettings): WorkerSettings {
  try {
    compileNewlinePattern(settings.newline_re);
  } catch (error) {
    throw new RequestRefused(`newline_re is not a regular expression: ${(error as Error).message}`);
  }
  return settings;
}

type StartFields = Extract<MasterRequest, { op: "start_command" }>["fields"];
type ResumeFields = Extract<MasterRequest, { op: "resume_command" }>["fields"];

function parseCommand(id: CommandId, commandName: string, rawArgs: Record<string, unknown>) {
  const name = Object.hasOwn(commandAliases, commandName) ? commandAliases[commandName] : commandName;
  if (name === undefined || !isCommandName(name)) {
    throw new RequestRefused(`(command ${id}): unrecognized WorkerCommand '${commandName}'`);
  }
  const parsed = commandArgs[name].safeParse(decodeBinaries(rawArgs));
  if (!parsed.success)
    throw new RequestRefused(`the arguments of ${commandName} are wrong: ${describeIssues(parsed.error)}`);
  const args: CommandArgs = parsed.data;
  return { name, args };
}

/** Decodes texts that Python sends as bytes; arguments are always text. */
function decodeBinaries(value: unknown): unknown {
  if (value instanceof Uint8Array) {
    try {
      return new TextDecoder("utf-8", { fatal: true }).decode(value);
    } catch {
      throw new RequestRefused("an argument contains bytes that are not UTF-8");
    }
  }
  if (Array.isArray(value)) return value.map(decodeBinaries);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, decodeBinaries(item)]));
}
