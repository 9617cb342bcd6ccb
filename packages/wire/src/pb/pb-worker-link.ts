import type { Logger } from "@multimaster/core";
import { Backlog } from "../backlog.ts";
import { completeArgs, maxUploadOf } from "../command-request.ts";
import type { CommandName } from "../commands.ts";
import { LinkClosed, type LinkEnd, RemoteException } from "../link-errors.ts";
import { type CommandOutcome, RunningCommand } from "../running-command.ts";
import type { WorkerInfo } from "../worker-info.ts";
import type { CommandRequest, KeptCommand, NotResumed, WorkerLink, WorkerSetup } from "../worker-link.ts";
import type { Broker } from "./broker.ts";
import { type PbWorkerInfo, readPbWorkerInfo } from "./pb-worker-info.ts";
import { SlotCommand } from "./slot-command.ts";
import { Slots } from "./slots.ts";
import type { OwnObject } from "./values.ts";

export interface PbWorkerLinkOptions {
  /** The worker's name. */
  name: string;
  log: Logger;
  /** The number of the object that all calls to the worker begin with. */
  bot: number;
}

/** Timeout for calls that a healthy worker answers immediately. */
const answerMs = 10_000;

/** A command that waits for a slot or runs in one. */
interface Entry {
  readonly running: RunningCommand;
  inSlot?: SlotCommand;
}

/** A worker that speaks Perspective Broker, the default protocol of every buildbot-worker. */
export class PbWorkerLink implements WorkerLink {
  readonly protocol = "pb";
  readonly commandsOutliveConnection = false;
  readonly name: string;
  readonly closed: Promise<LinkEnd>;
  /** What the worker gets as the answer to its login, and calls this master by. */
  readonly avatar: OwnObject;
  #broker: Broker;
  #bot: number;
  #log: Logger;
  #slots: Slots;
  #backlog: Backlog;
  #commands = new Map<string, Entry>();
  #info: Promise<PbWorkerInfo> | undefined;
  #knownCommands: Readonly<Record<string, string>> = {};
  #onShutdownRequest: (() => void)[] = [];

  constructor(broker: Broker, { name, log, bot }: PbWorkerLinkOptions) {
    this.name = name;
    this.#broker = broker;
    this.#bot = bot;
    this.#log = log;
    this.#slots = new Slots(broker, bot);
    this.#backlog = new Backlog(broker);
    this.avatar = broker.publish(
      new Map([
        ["keepalive", () => null],
        ["shutdown", () => this.#requestShutdown()],
      ]),
    );
    this.closed = broker.closed.then((end) => {
      for (const { running } of this.#commands.values()) running.end({ kind: "lost" });
      this.#commands.clear();
      return end;
    });
  }

  get isOpen(): boolean {
    return this.#broker.isOpen;
  }

  get runningCommands(): readonly string[] {
    return [...this.#commands.keys()];
  }

  /** Reading a tree for an upload can block the worker for minutes, in which it answers nothing. */
  get mayBeBlocked(): boolean {
    return [...this.#commands.values()].some(({ inSlot }) => inSlot?.mayBlockWorker === true);
  }

  getInfo(): Promise<WorkerInfo> {
    this.#info ??= readPbWorkerInfo(this.#broker, this.#bot).then(
      (info) => {
        this.#knownCommands = info.commands;
        this.#broker.textForm = info.textForm;
        return info;
      },
      (error: unknown) => {
        this.#info = undefined;
        throw error;
      },
    );
    return this.#info;
  }

  /** How output is batched is fixed in these workers; what they need is a list of names, each with a directory. */
  async configure({ directories = [] }: WorkerSetup = {}): Promise<void> {
    const { mayDeleteDirectories } = (await this.getInfo()) as PbWorkerInfo;
    await this.#slots.configure(mayDeleteDirectories ? directories : []);
  }

  async print(message: string): Promise<void> {
    await this.#broker.call(this.#bot, "print", [message], answerMs);
  }

  /** `getVersion` is the only call that writes nothing to the worker's log. */
  async ping(timeoutMs = answerMs): Promise<void> {
    await this.#broker.call(this.#bot, "getVersion", [], timeoutMs);
  }

  /** The worker kills its commands. */
  async shutdown(): Promise<void> {
    try {
      await this.#broker.call(this.#bot, "shutdown", [], answerMs);
    } catch (error) {
      if (!(error instanceof LinkClosed)) throw error;
    }
  }

  onShutdownRequest(listener: () => void): void {
    this.#onShutdownRequest.push(listener);
  }

  /** With pb, workers end their commands with the connection. */
  async keptCommands(): Promise<readonly KeptCommand[]> {
    return [];
  }

  async stillRunning(): Promise<readonly string[]> {
    return [];
  }

  async resumeCommand(): Promise<NotResumed> {
    return { kind: "not-resumed", message: "a worker with pb resumes no command" };
  }

  async startCommand<N extends CommandName>(request: CommandRequest<N>): Promise<CommandOutcome> {
    const { id, name } = request;
    if (this.#commands.has(id)) throw new Error(`a command with the id ${id} already runs on ${this.name}`);
    const args = completeArgs(name, request.args);
    const running = new RunningCommand(request, maxUploadOf(args), () => {
      void this.interrupt(id, "the master cannot process its output").catch(() => undefined);
    });
    const entry: Entry = { running };
    this.#commands.set(id, entry);
    if (this.isOpen) void this.#run(id, name, args, entry);
    else this.#end(id, entry, { kind: "lost" });
    return running.outcome;
  }

  async interrupt(id: string, why: string): Promise<void> {
    const entry = this.#commands.get(id);
    if (entry === undefined) return;
    entry.running.interrupted = true;
    const { inSlot } = entry;
    // One that waits for a slot is not started any more.
    if (inSlot === undefined) return this.#end(id, entry, notStarted);
    try {
      await inSlot.interrupt(why, answerMs);
    } catch (error) {
      if (!(error instanceof RemoteException) && !(error instanceof LinkClosed)) throw error;
    }
    this.#slots.changed();
  }

  close(_code = 1001, reason = ""): void {
    this.#broker.close(reason);
  }

  /** A worker with this protocol kills its commands when the connection ends. */
  expel(): void {
    this.#broker.terminate();
  }

  terminate(): void {
    this.#broker.terminate();
  }

  async #run(id: string, name: string, args: unknown, entry: Entry): Promise<void> {
    try {
      const slot = await this.#slots.take();
      const release = () => {
        slot.busy = false;
        this.#forget(id, entry);
        this.#slots.changed();
      };
      if (this.#commands.get(id) !== entry) return release();
      const hold = (bytes: number, consumed: Promise<unknown>) => this.#backlog.hold(bytes, consumed);
      const { running } = entry;
      const knownCommands = this.#knownCommands;
      try {
        entry.inSlot = new SlotCommand(
          { broker: this.#broker, slot, running, id, name, args, knownCommands, hold },
          release,
        );
      } catch (error) {
        release();
        throw error;
      }
      await entry.inSlot.start();
    } catch (error) {
      if (error instanceof LinkClosed || !this.isOpen) return this.#end(id, entry, { kind: "lost" });
      const message = error instanceof Error ? error.message : String(error);
      this.#end(id, entry, { kind: "exception", message });
    }
  }

  #end(id: string, entry: Entry, outcome: CommandOutcome): void {
    this.#forget(id, entry);
    entry.running.end(outcome);
    entry.inSlot?.end();
  }

  #forget(id: string, entry: Entry): void {
    if (this.#commands.get(id) === entry) this.#commands.delete(id);
  }

  #requestShutdown(): null {
    this.#log.info({ worker: this.name }, `worker ${this.name} asks to be shut down after its builds`);
    for (const listener of this.#onShutdownRequest) listener();
    return null;
  }
}

const notStarted: CommandOutcome = { kind: "completed", rc: -1, interrupted: true };
