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
import { commandBodies } from "./commands/index.ts";
import { compileNewlinePattern } from "./newline-pattern.ts";
import { describeWorker } from "./worker-details.ts";

export interface CommandHostOptions {
  name: string;
  basedir: string;
  log: Logger;
  environment: Readonly<Record<string, string>>;
  /** The master asked the worker to end. */
  onShutdown(): void;
}

interface Running {
  interrupt(): void;
  readonly ended: Promise<void>;
}

/**
 * Runs commands for masters. It outlives connections: when one is lost, its commands continue without reporting, and can be
 * interrupted by id over the next connection.
 */
export class CommandHost {
  #options: CommandHostOptions;
  #settings: WorkerSettings = defaultWorkerSettings;
  #running = new Map<CommandId, Running>();
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
    await Promise.all([...this.#running.values()].map((running) => running.ended));
  }

  #handle(link: Link, request: MasterRequest): unknown {
    const { log, basedir, environment, onShutdown } = this.#options;
    switch (request.op) {
      case "print":
        log.info(`message of the master: ${request.fields.message}`);
        return null;
      case "keepalive":
        return null;
      case "get_worker_info":
        return describeWorker(basedir, environment);
      case "set_worker_settings":
        this.#settings = checkSettings(request.fields.args);
        return null;
      case "start_command":
        this.#start(link, request.fields.command_id, request.fields.command_name, request.fields.args);
        return null;
      case "interrupt_command":
        log.info(`asked to interrupt command ${request.fields.command_id}: ${String(request.fields.why)}`);
        this.#running.get(request.fields.command_id)?.interrupt();
        return null;
      case "shutdown":
        log.info("the master asked this worker to end");
        // The answer is sent first.
        setTimeout(onShutdown, 50);
        return null;
    }
  }

  #start(link: Link, id: CommandId, commandName: string, rawArgs: Record<string, unknown>): void {
    if (this.#killed.signal.aborted) throw new RequestRefused("the worker is ending");
    const name = Object.hasOwn(commandAliases, commandName) ? commandAliases[commandName] : commandName;
    if (name === undefined || !isCommandName(name)) {
      throw new RequestRefused(`(command ${id}): unrecognized WorkerCommand '${commandName}'`);
    }
    const parsed = commandArgs[name].safeParse(decodeBinaries(rawArgs));
    if (!parsed.success)
      throw new RequestRefused(`the arguments of ${commandName} are wrong: ${describeIssues(parsed.error)}`);
    // Python's worker confuses two commands with the same id; refusing the second is better.
    if (this.#running.has(id)) throw new RequestRefused(`a command with the id ${id} already runs here`);

    const interruption = new AbortController();
    const request: CommandContext["request"] = (op, fields = {}) => link.request(op, { ...fields, command_id: id });
    const output = new CommandOutput(this.#settings, (pairs) => request("update", { args: pairs }));
    const { basedir, environment } = this.#options;
    const context = {
      output,
      environment,
      basedir,
      interrupted: interruption.signal,
      killed: this.#killed.signal,
      request,
    };
    void link.closed.then(() => output.buffer.discard());
    const running: Running = {
      interrupt() {
        output.flush();
        interruption.abort();
      },
      ended: this.#run(context, name, parsed.data).then((failure) => {
        this.#running.delete(id);
        void complete(request, failure);
      }),
    };
    this.#running.set(id, running);
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

async function complete(request: CommandContext["request"], failure: string | null): Promise<void> {
  // The connection may be gone; then the next master interrupts an unknown id, which is not an error.
  await request("complete", { args: failure }).catch(() => undefined);
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
