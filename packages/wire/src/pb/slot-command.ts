import type { RunningCommand } from "../running-command.ts";
import type { Broker, Call, Method, Methods } from "./broker.ts";
import type { Slot } from "./slots.ts";
import { createReader, createWriter } from "./transfers.ts";
import { type TranslatedCommand, translateCommand } from "./translate-command.ts";
import {
  describeFailure,
  type OwnObject,
  type Received,
  ReceivedFailure,
  RemoteFailure,
  type Sendable,
  textOf,
} from "./values.ts";
import { WholeLines } from "./whole-lines.ts";

export interface SlotCommandOptions {
  readonly broker: Broker;
  readonly slot: Slot;
  readonly running: RunningCommand;
  readonly id: string;
  readonly name: string;
  readonly args: unknown;
  /** The worker's own list. */
  readonly knownCommands: Readonly<Record<string, string>>;
  /** Counts bytes that wait to be consumed. */
  hold(bytes: number, consumed: Promise<unknown>): void;
}

/** One command in a slot: passes what the worker calls to the running command, in the words that it knows. */
export class SlotCommand {
  readonly slot: Slot;
  /** Reading the tree for an upload blocks the worker until the first block. */
  mayBlockWorker: boolean;
  #options: SlotCommandOptions;
  #command: TranslatedCommand;
  #part = 0;
  /** Objects of this end that exist as long as the command. */
  #objects: OwnObject[] = [];
  #streams = new Map<string, WholeLines>();
  #watched: ReadonlySet<string>;
  #rc: number | undefined;
  #hasFiles = false;
  #interrupted = false;
  #ended = false;
  #onEnd: () => void;

  /** Throws RequestRefused if the arguments cannot be sent. */
  constructor(options: SlotCommandOptions, onEnd: () => void) {
    this.#options = options;
    this.slot = options.slot;
    this.#onEnd = onEnd;
    this.mayBlockWorker = options.name === "upload_directory";
    const { logfiles = {} } = (options.args ?? {}) as { logfiles?: object };
    this.#watched = new Set(["stdout", "stderr", "header", ...Object.keys(logfiles)]);
    const transfer = {
      id: options.id,
      running: options.running,
      hold: options.hold,
      onFirstBlock: () => {
        this.mayBlockWorker = false;
      },
    };
    const objects = {
      writer: () => this.#publish(createWriter(transfer)),
      reader: () => this.#publish(createReader(transfer)),
    };
    const worker = { commands: options.knownCommands, textForm: options.broker.textForm };
    this.#command = translateCommand(options.name, options.args, objects, worker);
  }

  /** Sends the first or next part. Rejects with what the worker or the connection answered. */
  async start(): Promise<void> {
    const { broker, slot, id } = this.#options;
    const own = this.#publish(this.#methods());
    const args = this.#command.parts[this.#part] ?? {};
    await broker.call(slot.object, "startCommand", [own, id, this.#command.name, args]);
  }

  /** Kills what runs in the slot; the worker ignores the id. */
  async interrupt(why: string, timeoutMs: number): Promise<void> {
    this.#interrupted = true;
    if (this.#ended) return;
    this.slot.interrupts += 1;
    // After a timeout the slot stays unused: an interrupt that arrives late would end the next command.
    await this.#options.broker
      .call(this.slot.object, "interruptCommand", [this.#options.id, why], timeoutMs)
      .catch((error) => {
        if (!(error instanceof RemoteFailure)) throw error;
      });
    this.slot.interrupts -= 1;
  }

  /** The command has ended: late calls are refused. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    for (const object of this.#objects) this.#options.broker.retire(object);
    this.#onEnd();
  }

  #publish(methods: Methods): OwnObject {
    const object = this.#options.broker.publish(methods);
    this.#objects.push(object);
    return object;
  }

  #methods(): Methods {
    return new Map<string, Method>([
      ["update", (call) => this.#update(call)],
      ["complete", (call) => this.#complete(call)],
    ]);
  }

  async #update({ args, bytes }: Call): Promise<Sendable> {
    const pairs = Array.isArray(args[0]) ? args[0].flatMap((entry) => this.#readEntry(entry)) : [];
    await this.#pass(pairs, bytes).catch(() => undefined);
    // An error would help no one: the command is spoiled here.
    return 0;
  }

  #readEntry(entry: Received): [string, ...unknown[]][] {
    const dictionary = Array.isArray(entry) ? entry[0] : undefined;
    if (!(dictionary instanceof Map)) {
      this.#options.running.spoil("the worker sent an update that is no dictionary");
      return [];
    }
    return [...dictionary].flatMap(([name, value]) => {
      const pair = this.#readPair(name, value);
      return pair === undefined ? [] : [pair];
    });
  }

  #readPair(name: string, value: Received): [string, ...unknown[]] | undefined {
    switch (name) {
      case "stdout":
      case "stderr":
      case "header":
        return wrapLines(name, this.#takeText(name, value));
      case "log": {
        const [log, text] = Array.isArray(value) ? value : [];
        const logName = textOf(log);
        if (logName === undefined) return ["log", value];
        const lines = this.#takeText(logName, text);
        return typeof lines === "string" && lines === "" ? undefined : ["log", [logName, wrap(lines)]];
      }
      case "rc":
        if (typeof value === "number") this.#rc = value;
        return [name, value];
      case "files":
        this.#hasFiles = true;
        return [name, Array.isArray(value) ? value.map((item) => textOf(item) ?? item) : value];
      case "stat":
        return [
          name,
          Array.isArray(value) ? value.map((item) => (typeof item === "bigint" ? Number(item) : item)) : value,
        ];
      default:
        return [name, textOf(value) ?? value];
    }
  }

  /** Whole lines so far. A name that is not watched is passed on for the consumer to refuse, and kept nowhere. */
  #takeText(name: string, value: Received | undefined): unknown {
    if (typeof value !== "string" && !Buffer.isBuffer(value)) return value;
    if (!this.#watched.has(name)) return textOf(value);
    let stream = this.#streams.get(name);
    if (stream === undefined) {
      stream = new WholeLines();
      this.#streams.set(name, stream);
    }
    return stream.add(value);
  }

  #pass(pairs: [string, ...unknown[]][], bytes: number): Promise<unknown> {
    const { running, id, hold } = this.#options;
    if (pairs.length === 0) return Promise.resolve();
    const consumed = running.handle({ op: "update", fields: { command_id: id, args: pairs } });
    hold(bytes, consumed);
    return consumed;
  }

  #complete({ args }: Call): Sendable {
    const failure = args[0] instanceof ReceivedFailure ? describeFailure(args[0].failure) : undefined;
    const isLast = this.#part + 1 >= this.#command.parts.length;
    if (failure === undefined && this.#rc === 0 && !isLast && !this.#interrupted) {
      this.#part += 1;
      // Its end is known only from the next part's.
      this.start().catch((error: Error) => this.fail(error));
      return null;
    }
    this.#endStreams();
    const isUnfinished =
      failure === undefined && this.#rc === 0 && this.#command.reportsFiles === true && !this.#hasFiles;
    this.#finish(isUnfinished ? noFiles : failure);
    return null;
  }

  /** The worker refused the command: nothing was started. */
  fail(error: Error): void {
    if (this.#ended) return;
    this.#options.running.end({ kind: "exception", message: error.message });
    this.end();
  }

  #finish(failure: string | undefined): void {
    const { running, id } = this.#options;
    void running.handle({ op: "complete", fields: { command_id: id, args: failure ?? null } });
    this.end();
  }

  /** Unfinished lines end with the command. */
  #endStreams(): void {
    const pairs: [string, ...unknown[]][] = [];
    for (const [name, stream] of this.#streams) {
      const text = stream.end();
      if (text === "") continue;
      const isLog = name !== "stdout" && name !== "stderr" && name !== "header";
      pairs.push(isLog ? ["log", [name, wrap(text)]] : [name, wrap(text)]);
    }
    this.#pass(pairs, 0).catch(() => undefined);
  }
}

const noFiles = "the worker reported success without names: one of them is probably no UTF-8 text";

/** Lines as MessagePack sends them; positions are not used, and times are those of arrival. */
function wrap(text: unknown): unknown {
  return typeof text === "string" ? [text, [], []] : text;
}

function wrapLines(name: string, text: unknown): [string, ...unknown[]] | undefined {
  return text === "" ? undefined : [name, wrap(text)];
}
