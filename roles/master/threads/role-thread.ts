import { Worker } from "node:worker_threads";
import type { Lease, LoopSign } from "@multimaster/cluster";
import {
  Backoff,
  type FiguresText,
  type Logger,
  type MetricFigures,
  systemClock,
  waitAtMost,
  writeLogLine,
} from "@multimaster/core";
import {
  type BeginTerm,
  type Call,
  type FromThread,
  type Loaded,
  noState,
  type RoleState,
  type Standing,
  type ThreadData,
  type ToThread,
} from "./messages.ts";
import { packError, unpackError } from "./packed-error.ts";
import { type Beginning, type RoleHost, ThreadDied } from "./role-host.ts";

export interface RoleThreadOptions {
  readonly name: string;
  readonly configFile: string;
  readonly builderSets: readonly string[] | "all";
  readonly sign: LoopSign;
  readonly log: Logger;
  /** Fields on each line of the thread's log. */
  readonly bindings: Readonly<Record<string, unknown>>;
  /** Where a service of the role listens. */
  listening(service: string, url: string): void;
  /** The figures of the whole master. */
  figures(): Promise<FiguresText>;
}

/** Threads run compiled code; from TypeScript source (in tests) what is built beside it is taken. */
const entry = new URL(import.meta.url.replace("/master/threads/role-thread.ts", "/dist/master/threads/role-thread.js"));
/** A thread that has lived for longer died of something else than its start. */
const longLifeMs = 60_000;
/** How long a thread may take to end once its role has stopped. */
const closeMs = 5_000;
/** A thread that takes longer to measure itself is shown by its last figures. */
const measureMs = 2_000;
/** A loop that is blocked for longer than this, when its role is to stop, is given up. */
const blockedMs = 10_000;
/** Room for a thread's new objects: three semi-spaces of the size that `bin/master.mjs` gives the main thread. */
const youngGenerationMb = 12;

/** One role's thread, over all terms of its master. Another is started when it dies. */
export class RoleThread implements RoleHost {
  readonly name: string;
  #options: RoleThreadOptions;
  #sign: LoopSign;
  #worker: Worker | undefined;
  #calls = new Map<number, { resolve(value: Loaded | MetricFigures | undefined): void; reject(error: Error): void }>();
  #lastCall = 0;
  #loading: Promise<Loaded> | undefined;
  #loaded: Loaded | undefined;
  #hasBus = false;
  #hasWorked = false;
  #term: Lease | undefined;
  #state = noState;
  #figures: MetricFigures = [];
  #died: ((error: Error) => void) | undefined;
  #backoff = new Backoff({ initial: 1000, max: 60_000 });
  #bornAt = 0;
  #notBefore = 0;
  #closing = false;

  constructor(options: RoleThreadOptions) {
    this.#options = options;
    this.name = options.name;
    this.#sign = options.sign;
  }

  get state(): RoleState {
    return this.#state;
  }

  get holdsClaims(): boolean {
    return this.#loaded?.holdsClaims ?? true;
  }

  get term(): Lease | undefined {
    return this.#term;
  }

  get hasWorked(): boolean {
    return this.#hasWorked;
  }

  get blockedMs(): number {
    return this.#sign.stillMs();
  }

  get pauseMs(): number {
    return Math.max(0, this.#notBefore - Date.now());
  }

  onDeath(listener: ((error: Error) => void) | undefined): void {
    this.#died = listener;
  }

  /** Starts the thread and lets it load its part of the config; throws what is wrong with that. */
  load(): Promise<Loaded> {
    this.#loading ??= this.#load();
    return this.#loading;
  }

  async begin({ lease, standing, connections, shared }: Beginning): Promise<void> {
    await this.load();
    const { pooling, exclusive } = shared.database;
    const bus = this.#hasBus ? undefined : shared.hub.open();
    this.#hasBus = true;
    this.#term = lease;
    const beginning: BeginTerm = { do: "begin", lease, standing, connections, bus, database: { pooling, exclusive } };
    try {
      await this.#ask(beginning, bus ? [bus.port] : []);
      this.#hasWorked = true;
    } catch (error) {
      this.#term = undefined;
      throw error;
    }
  }

  renew(lease: Lease): void {
    this.#term = lease;
    this.#post({ kind: "renew", lease });
  }

  async drain(): Promise<void> {
    await this.#ask({ do: "drain" });
  }

  async resume(): Promise<void> {
    await this.#ask({ do: "resume" });
  }

  async look(): Promise<void> {
    await this.#ask({ do: "look" });
  }

  force(reason: string): void {
    this.#post({ kind: "force", reason });
  }

  lose(database: "in reach" | "out of reach"): void {
    this.#post({ kind: "lost", database });
  }

  setStanding(standing: Standing): void {
    this.#post({ kind: "standing", standing });
  }

  /** The role's figures; the last ones that are known while its loop is blocked. */
  async measure(): Promise<MetricFigures> {
    if (!this.#term || this.#sign.stillMs() > 1000) return this.#figures;
    const asked = this.#ask({ do: "measure" }).catch(() => undefined);
    this.#figures = ((await waitAtMost(systemClock, measureMs, asked)) as MetricFigures | undefined) ?? this.#figures;
    return this.#figures;
  }

  /** The thread loads the files itself: a config has functions. */
  async prepare(): Promise<Loaded> {
    await this.load();
    return (await this.#ask({ do: "prepare" })) as Loaded;
  }

  async apply(): Promise<void> {
    await this.#ask({ do: "apply" });
  }

  async discard(): Promise<void> {
    if (this.#worker) await this.#ask({ do: "discard" });
  }

  /** Ends the term: the role's services have stopped when it resolves. A thread that stays blocked is ended with it. */
  async stop(): Promise<void> {
    if (!this.#term) return;
    await this.#unlessBlocked(this.#ask({ do: "stop" }));
    this.#term = undefined;
  }

  async close(): Promise<void> {
    this.#died = undefined;
    if (!this.#worker || this.#closing) return;
    this.#closing = true;
    const worker = this.#worker;
    const exited = new Promise((resolve) => worker.once("exit", resolve));
    await this.#unlessBlocked(this.#ask({ do: "close" }));
    const grace = systemClock.after(closeMs, () => void worker.terminate());
    await exited;
    grace.cancel();
  }

  async #load(): Promise<Loaded> {
    try {
      this.#start();
      this.#loaded = (await this.#ask({ do: "load" })) as Loaded;
      return this.#loaded;
    } catch (error) {
      this.#loading = undefined;
      await this.#worker?.terminate();
      throw error;
    }
  }

  #start(): void {
    const { name, configFile, builderSets, log, bindings } = this.#options;
    const workerData: ThreadData = {
      role: name,
      configFile,
      builderSets,
      sign: this.#sign.memory,
      log: { level: log.level, bindings },
    };
    const worker = new Worker(new URL("run-role.js", entry), {
      workerData,
      name,
      resourceLimits: { maxYoungGenerationSizeMb: youngGenerationMb },
    });
    let cause: Error | undefined;
    this.#worker = worker;
    this.#bornAt = Date.now();
    worker.on("message", (message: FromThread) => this.#receive(message));
    worker.on("error", (error: Error) => (cause = error));
    worker.on("exit", (code) => {
      if (this.#worker === worker) this.#end(cause ?? new Error(`it ended with code ${code}`));
    });
  }

  #receive(message: FromThread): void {
    const { log, listening, figures } = this.#options;
    switch (message.kind) {
      case "log":
        return writeLogLine(log, message.line);
      case "state":
        this.#state = message.state;
        return;
      case "answer": {
        const call = this.#calls.get(message.id);
        this.#calls.delete(message.id);
        this.#state = message.state;
        if (message.error) call?.reject(unpackError(message.error));
        else call?.resolve(message.value);
        return;
      }
      case "listening":
        return listening(message.service, message.url);
      case "figures":
        figures().then(
          (found) => this.#post({ kind: "figures", id: message.id, figures: found }),
          (error: unknown) => this.#post({ kind: "figures", id: message.id, error: packError(error) }),
        );
    }
  }

  /** The thread has ended, whatever of. */
  #end(cause: Error): void {
    const { log, name } = this.#options;
    const died = this.#died;
    this.#worker = undefined;
    this.#loading = undefined;
    this.#hasBus = false;
    this.#term = undefined;
    this.#state = noState;
    this.#sign.rest();
    const error = new ThreadDied(`the thread of the role ${name} ended: ${cause.message}`, { cause });
    for (const { reject } of this.#calls.values()) reject(error);
    this.#calls.clear();
    if (this.#closing) {
      this.#closing = false;
      return;
    }
    if (Date.now() - this.#bornAt > longLifeMs) this.#backoff.reset();
    this.#notBefore = Date.now() + this.#backoff.next();
    if (!died) return;
    this.#died = undefined;
    log.error({ role: name, err: cause }, error.message);
    died(error);
  }

  #ask(call: Call, transfer: readonly BeginTermPort[] = []): Promise<Loaded | MetricFigures | undefined> {
    const worker = this.#worker;
    if (!worker) return Promise.reject(new ThreadDied(`the role ${this.name} has no thread`));
    const id = ++this.#lastCall;
    return new Promise((resolve, reject) => {
      this.#calls.set(id, { resolve, reject });
      worker.postMessage({ kind: "call", id, call } satisfies ToThread, [...transfer]);
    });
  }

  #post(message: ToThread): void {
    this.#worker?.postMessage(message);
  }

  /** Waits for what a stop asked of the thread; ends a thread that is blocked. What became of a dead one is of no interest. */
  async #unlessBlocked(asked: Promise<unknown>): Promise<void> {
    const begun = Date.now();
    const timer = setInterval(() => {
      const stillMs = Math.min(this.#sign.stillMs(), Date.now() - begun);
      if (stillMs < blockedMs) return;
      this.#options.log.error(
        { role: this.name, seconds: Math.round(this.#sign.stillMs() / 1000) },
        `the role ${this.name} is to stop and its event loop is blocked: its thread is ended`,
      );
      clearInterval(timer);
      void this.#worker?.terminate();
    }, 250);
    try {
      await asked;
    } catch (error) {
      if (!(error instanceof ThreadDied)) throw error;
    } finally {
      clearInterval(timer);
    }
  }
}

type BeginTermPort = NonNullable<BeginTerm["bus"]>["port"];
