import { type MessagePort, parentPort, workerData } from "node:worker_threads";
import { type Bus, createPortBus } from "@multimaster/bus";
import { LoopSign } from "@multimaster/cluster";
import type { LoadedConfig } from "@multimaster/config";
import { createLog, type FiguresText, identifyLog, logWarnings, type MetricFigures } from "@multimaster/core";
import type { Database } from "@multimaster/database";
import { loadClusterConfig } from "@multimaster/operator/load-cluster-config";
import type { Role } from "../../define-role.ts";
import { type RoleName, roles } from "../../index.ts";
import { createLoopDelay } from "../loop-delay.ts";
import { openRoleDatabase } from "../open-cluster.ts";
import {
  type BeginTerm,
  type Call,
  type FromThread,
  type Loaded,
  noState,
  type ThreadData,
  type ToThread,
} from "./messages.ts";
import { packError, unpackError } from "./packed-error.ts";
import { RoleTerm } from "./role-term.ts";

/** How often the main thread is told how the role does, if that has changed. */
const stateMs = 100;

interface LoadedRole {
  readonly role: Role<unknown>;
  readonly config: LoadedConfig;
  readonly slice: unknown;
}

/** Runs in the thread: does what the main thread asks for, and reports how the role does. */
class RoleRunner {
  #port: MessagePort;
  #data: ThreadData;
  #identity: Record<string, unknown> = { service: "master" };
  #log: ReturnType<typeof createLog>;
  #loaded: LoadedRole | undefined;
  #prepared: LoadedRole | undefined;
  #database: Database | undefined;
  #bus: Bus | undefined;
  #term: RoleTerm | undefined;
  #reported = "";
  #questions = new Map<number, (answer: Extract<ToThread, { kind: "figures" }>) => void>();
  #lastQuestion = 0;

  constructor(port: MessagePort, data: ThreadData) {
    this.#port = port;
    this.#data = data;
    const { level, bindings } = data.log;
    const log = createLog({ level, write: (line) => this.#send({ kind: "log", line }) });
    this.#log = identifyLog(log, bindings, this.#identity);
  }

  start(): void {
    logWarnings(this.#log);
    this.#port.on("message", (message: ToThread) => this.#receive(message));
    setInterval(() => this.#report(), stateMs).unref();
  }

  #receive(message: ToThread): void {
    switch (message.kind) {
      case "call":
        return void this.#answer(message.id, message.call);
      case "force":
        return this.#term?.force(message.reason);
      case "lost":
        this.#term?.lose();
        if (message.database === "out of reach") this.#database?.breakConnections();
        return;
      case "renew":
        this.#identify(message.lease);
        return this.#term?.renew(message.lease);
      case "standing":
        return this.#term?.setStanding(message.standing);
      case "figures":
        this.#questions.get(message.id)?.(message);
        this.#questions.delete(message.id);
    }
  }

  async #answer(id: number, call: Call): Promise<void> {
    try {
      const value = await this.#carryOut(call);
      this.#send({ kind: "answer", id, state: this.#state, ...(value && { value }) });
    } catch (error) {
      this.#send({ kind: "answer", id, state: this.#state, error: packError(error) });
    }
    if (call.do === "close") this.#port.close();
  }

  async #carryOut(call: Call): Promise<Loaded | MetricFigures | undefined> {
    switch (call.do) {
      case "load":
        this.#loaded = await this.#load();
        return describe(this.#loaded);
      case "prepare":
        this.#prepared = await this.#load();
        return describe(this.#prepared);
      case "apply":
        await this.#apply();
        return undefined;
      case "discard":
        this.#prepared = undefined;
        return undefined;
      case "begin":
        await this.#begin(call);
        return undefined;
      case "drain":
        await this.#term?.drain();
        return undefined;
      case "resume":
        await this.#term?.resume();
        return undefined;
      case "look":
        return undefined;
      case "measure":
        return this.#term?.measure();
      case "stop":
        await this.#term?.stop();
        return undefined;
      case "close":
        await this.#close();
        return undefined;
    }
  }

  async #load(): Promise<LoadedRole> {
    const { role: name, configFile, builderSets } = this.#data;
    const [role, config] = await Promise.all([roles[name as RoleName](), loadClusterConfig(configFile)]);
    return { role, config, slice: await role.loadSlice(config, { builderSets }) };
  }

  async #apply(): Promise<void> {
    const prepared = this.#prepared;
    if (!prepared) throw new Error("no config has been prepared");
    this.#prepared = undefined;
    this.#loaded = prepared;
    await this.#term?.reconfigure(prepared.config, prepared.slice);
  }

  async #begin(beginning: BeginTerm): Promise<void> {
    const { lease, bus, database, connections } = beginning;
    const loaded = this.#loaded;
    if (!loaded) throw new Error("the config has not been loaded");
    this.#identify(lease);
    if (bus) this.#bus = createPortBus(bus, this.#log);
    this.#database ??= await openRoleDatabase(loaded.config.shared, this.#log, { known: database, connections });
    const sign = new LoopSign(this.#data.sign);
    this.#term = new RoleTerm(
      {
        ...loaded,
        sign,
        database: this.#database,
        bus: this.#bus as Bus,
        log: this.#log,
        listening: (service, url) => this.#send({ kind: "listening", service, url }),
        figures: () => this.#askForFigures(),
        beside: (metrics) => createLoopDelay(metrics, sign),
      },
      beginning,
    );
    await this.#term.start();
  }

  async #close(): Promise<void> {
    await this.#term?.stop();
    await this.#term?.close();
    await this.#bus?.stop();
    await this.#database?.close();
  }

  #askForFigures(): Promise<FiguresText> {
    const id = ++this.#lastQuestion;
    return new Promise((resolve, reject) => {
      this.#questions.set(id, ({ figures, error }) => {
        if (figures) resolve(figures);
        else reject(error ? unpackError(error) : new Error("there are no figures"));
      });
      this.#send({ kind: "figures", id });
    });
  }

  #identify({ name, epoch }: BeginTerm["lease"]): void {
    Object.assign(this.#identity, { master: name, epoch });
  }

  get #state() {
    return this.#term?.state ?? noState;
  }

  #report(): void {
    const state = this.#state;
    const text = JSON.stringify(state);
    if (text === this.#reported) return;
    this.#reported = text;
    this.#send({ kind: "state", state });
  }

  #send(message: FromThread): void {
    this.#port.postMessage(message);
  }
}

function describe({ role, config }: LoadedRole): Loaded {
  const { hash } = config;
  return { holdsClaims: role.holdsClaims, hash, warnings: config.warnings(), closedDefaults: config.closedDefaults() };
}

if (parentPort) new RoleRunner(parentPort, workerData as ThreadData).start();
