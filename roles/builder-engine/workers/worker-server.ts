import { resolve } from "node:path";
import { rulesOfWorker, trustNetworks, type WorkersSlice } from "@multimaster/config";
import type { Service } from "@multimaster/core";
import type { AcceptedWorker, Departure } from "@multimaster/data";
import {
  type Admission,
  createWorkerListener,
  type PbListenerOptions,
  type WorkerLink,
  type WorkerListener,
} from "@multimaster/wire";
import { createClientAddress } from "../../client-address.ts";
import { Abandoned } from "../builds/persistence.ts";
import { attachWorker } from "./attach-worker.ts";
import type { AttachedWorker } from "./attached-worker.ts";
import { describeDeparture, describeRelease, LeavingWorkers } from "./leaving-workers.ts";
import { LocalWorkers } from "./local-workers.ts";
import { nameReachable } from "./reachable-name.ts";
import type { ReconfiguredWorkers, WorkerServerOptions } from "./worker-server-options.ts";
import { rulesOf, termsOf } from "./worker-terms.ts";

/** How long a worker that was released for others is not taken back at its first attempt. */
const sentOnMs = 30_000;

/** Where workers attach, and where they are released: the worker port and the workers inside the process. */
export class WorkerServer implements Service {
  readonly name = "worker-server";
  #options: WorkerServerOptions;
  #ids: ReadonlyMap<string, number> = new Map();
  /** Of each connection of a worker that was added at run time: the account by which it logged in. */
  #accounts = new WeakMap<WorkerLink, number>();
  #listener: WorkerListener | undefined;
  #local: LocalWorkers;
  #refusing = false;
  #links = new Set<WorkerLink>();
  /** One thing at a time per worker: a new connection waits until the former one's claim is released. */
  #turns = new Map<string, Promise<void>>();
  /** The connection of each worker that waits for its turn. */
  #waiting = new Map<string, WorkerLink>();
  #unwanted = new Set<string>();
  #leaving: LeavingWorkers;
  /** Workers whose next connection is sent on to another engine, and until when. */
  #sentOn = new Map<string, number>();
  #stopping: Promise<void> | undefined;

  constructor(options: WorkerServerOptions) {
    const { slice, clock, log } = options;
    this.#options = options;
    this.#leaving = new LeavingWorkers({
      workers: options.workers,
      log,
      release: (worker) => this.release(worker, "revoked"),
      isRefusing: () => this.isRefusing,
    });
    this.#local = new LocalWorkers({
      configs: slice.workers.filter((config) => config.local && options.useful.has(config.name)),
      basedir: resolve(options.directory, slice.basedir),
      passEnvironment: slice.passEnvironment,
      clock,
      log,
      onWorker: (link) => this.#arrive(link),
    });
  }

  async start(): Promise<void> {
    const { slice, data, persistence } = this.#options;
    this.#ids = await persistence.write("register the workers", () =>
      data.updates.workers.register(slice.workers.map(({ name }) => name)),
    );
    const terms = termsOf(slice, slice.workers, this.#ids);
    const rules = rulesOf(slice, this.#ids);
    await persistence.write("save what the config says of workers", () => data.updates.workers.saveTerms(terms, rules));
    await this.#local.start();
    if (this.#isReachable) await this.#listen();
  }

  /** A port no one may use would only be in the way of other masters on this machine. */
  get #isReachable(): boolean {
    const { accounts, workers } = this.#options.slice;
    return accounts || workers.some((config) => !config.local);
  }

  /**
   * Goes on with the workers of another config. Those that it has as before keep their connections. Those that it has no more, or
   * with another password, get no further build, and leave when the last one has ended.
   */
  async reconfigure(next: ReconfiguredWorkers): Promise<void> {
    const { data, persistence, credentials, workers, directoriesOf: formerDirectories } = this.#options;
    const { slice, useful, directoriesOf, sealingKey } = next;
    const ids = await persistence.write("register the workers", () =>
      data.updates.workers.register(slice.workers.map(({ name }) => name)),
    );
    this.#ids = new Map([...this.#ids, ...ids]);
    const [terms, rules] = [termsOf(slice, slice.workers, this.#ids), rulesOf(slice, this.#ids)];
    await persistence.write("save what the config says of workers", () => data.updates.workers.saveTerms(terms, rules));
    this.#options = { ...this.#options, slice, useful, directoriesOf };
    this.#unwanted.clear();
    const ended = credentials.reconfigure({ workers: slice.workers, sealingKey });
    for (const worker of workers.all) {
      const found = credentials.find(worker.name);
      if (!found || ended.has(worker.name) || !this.#isAccepted(worker.link)) this.#leaving.add(worker);
      else {
        worker.reconfigure(found.config, rulesOfWorker(slice, found.config));
        this.#setDirectories(worker, formerDirectories(worker.name));
      }
    }
    for (const link of this.#links) if (ended.has(link.name) && workers.get(link.name)?.link !== link) link.terminate();
    await this.#local.reconfigure(slice.workers.filter((config) => config.local && useful.has(config.name)));
    if (this.#listener === undefined && this.#isReachable) await this.#listen();
    workers.changed();
  }

  /** A worker that deletes directories which no builder has is to keep those of new builders, and those that builds still use. */
  #setDirectories(worker: AttachedWorker, former: readonly string[]): void {
    const next = this.#options.directoriesOf(worker.name);
    if (next.every((directory) => former.includes(directory))) return;
    worker.link.configure({ directories: [...new Set([...next, ...former])] }).catch((error: unknown) => {
      if (worker.link.isOpen)
        this.#options.log.warn(
          { worker: worker.name, err: error },
          `worker ${worker.name} did not take the list of directories; it gets it when it connects again`,
        );
    });
  }

  /** New workers are sent on to another master; those here stay. */
  refuseNew(): void {
    this.#refusing = true;
    this.#local.leave();
  }

  /** Undoes that. */
  acceptAgain(): void {
    this.#refusing = false;
    this.#local.comeBack();
  }

  /** No worker is taken: this master drains or stops. */
  get isRefusing(): boolean {
    return this.#refusing || this.#stopping !== undefined;
  }

  /** Takes the workers that were added at run time, and disconnects those that were revoked. */
  async accept(accounts: readonly AcceptedWorker[]): Promise<void> {
    const { data, persistence, credentials, useful, workers, log } = this.#options;
    const names = accounts.map(({ name }) => name).filter((name) => useful.has(name) && !this.#ids.has(name));
    if (names.length > 0) {
      const ids = await persistence.write("register the workers", () => data.updates.workers.register(names));
      this.#ids = new Map([...this.#ids, ...ids]);
    }
    credentials.accept(accounts);
    const configs = accounts.flatMap(({ name, accountid }) => {
      const found = credentials.find(name);
      return found?.accountid === accountid && this.#ids.has(name) ? [found.config] : [];
    });
    const terms = termsOf(this.#options.slice, configs, this.#ids);
    if (terms.length > 0)
      await persistence.write("save what accounts say of workers", () => data.updates.workers.saveTerms(terms));
    for (const link of this.#links) {
      if (this.#isAccepted(link) || this.#leaving.has(link)) continue;
      log.warn(
        { worker: link.name },
        `worker ${link.name} was revoked: it is disconnected, and its builds run again elsewhere`,
      );
      const worker = workers.get(link.name);
      if (worker?.link === link) {
        worker.leaving = true;
        worker.departure = { reason: "revoked", detail: null };
      }
      // Its builds run again elsewhere: here no command of them may go on, as one does for which an engine may come back.
      link.expel("this worker was revoked");
    }
  }

  /** Whether the account by which this connection logged in is still valid. */
  #isAccepted(link: WorkerLink): boolean {
    const found = this.#options.credentials.find(link.name);
    return found !== undefined && found.accountid === this.#accounts.get(link);
  }

  /** The worker's next connection, if it comes soon, is refused once, in a way that makes a balancer try another engine. */
  sendOnOnce(name: string): void {
    this.#sentOn.set(name, this.#options.clock.now() + sentOnMs);
  }

  /** Releases a worker and closes its connection; it connects to a master that takes workers then. */
  async release(worker: AttachedWorker, reason: Departure["reason"] = "master_drained"): Promise<void> {
    worker.leaving = true;
    const why = describeRelease(reason);
    worker.departure = { reason, detail: why };
    await this.#options.ledger.flush();
    // Released first: the next master must find it free.
    await this.#detach(worker);
    worker.link.close(1001, why);
    await worker.link.closed;
  }

  /** Interrupts what still runs, then closes every connection. Writes nothing. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #listen(): Promise<void> {
    const { slice, certificate, master, log, isReady, isOwnHost, metrics, onListening } = this.#options;
    this.#listener = createWorkerListener({
      host: slice.host,
      port: slice.port,
      certificate,
      sendsProxyHeader: slice.proxyProtocol && trustNetworks(slice.proxyProtocol.from),
      keepAliveOf: (name) => rulesOfWorker(this.#options.slice, this.#options.credentials.find(name)?.config).keepAlive,
      master,
      log,
      authenticate: (name, password) => this.#authenticate(name, password),
      ...(slice.pb === false ? {} : { pb: this.#listenForPb(slice.pb) }),
      onWorker: (link) => this.#arrive(link),
      isReady,
      isOwnHost,
      addressOf: createClientAddress(slice.trustedProxies).of,
      openMetrics: slice.openMetrics,
      metrics,
    });
    await this.#listener.start();
    const { host, port } = this.#listener.address();
    onListening(`${certificate ? "wss" : "ws"}://${nameReachable(host)}:${port}/`);
    const pb = this.#listener.pbAddress();
    if (pb !== undefined)
      log.info({ port: pb.port }, `workers with the pb protocol connect to ${nameReachable(pb.host)}:${pb.port}`);
  }

  #listenForPb(own: Exclude<WorkersSlice["pb"], false>): PbListenerOptions {
    const { slice, credentials } = this.#options;
    return {
      ...(own === undefined ? {} : { own: { host: own.host ?? slice.host, port: own.port } }),
      passwordMd5Of: (name) => credentials.passwordMd5Of(name),
      refresh: (name) => this.#refreshAccount(name),
      takes: (name) => this.#takes(name),
    };
  }

  #authenticate(name: string, password: string): Admission | Promise<Admission> {
    const instance = this.#options.authenticateInstance(name, password);
    const admit = (known: Admission) => (known === true ? this.#admit(name) : known);
    if (instance !== undefined) return instance instanceof Promise ? instance.then(admit) : admit(instance);
    const verdict = this.#options.credentials.check(name, password);
    if (verdict === "busy") return "draining";
    if (verdict instanceof Promise) return verdict.then(admit);
    const check = (isFresh: boolean): Admission => {
      if (!isFresh) return "draining";
      return this.#options.credentials.check(name, password) === true && this.#admit(name);
    };
    return verdict ? this.#admit(name) : (this.#refreshAccount(name)?.then(check) ?? false);
  }

  /** Another engine's user may have added the worker a moment ago. Undefined: it is none that can be added. */
  #refreshAccount(name: string): Promise<boolean> | undefined {
    const { credentials, refreshAccounts } = this.#options;
    return credentials.isOfConfig(name) ? undefined : refreshAccounts?.();
  }

  #admit(name: string): Admission {
    return this.#takes(name) || "draining";
  }

  /** Whether a worker that has proved who it is may stay here. */
  #takes(name: string): boolean {
    if (this.#refusing) return false;
    const sentOnUntil = this.#sentOn.get(name) ?? 0;
    if (this.#sentOn.delete(name) && this.#options.clock.now() < sentOnUntil) return false;
    if (this.#options.useful.has(name)) return true;
    if (!this.#unwanted.has(name)) {
      this.#unwanted.add(name);
      this.#options.log.warn({ worker: name }, `worker ${name} was sent on: no builder of this engine can use it`);
    }
    return false;
  }

  #arrive(link: WorkerLink): void {
    const accountid = this.#options.credentials.find(link.name)?.accountid;
    if (accountid !== undefined) this.#accounts.set(link, accountid);
    this.#links.add(link);
    void link.closed.then(() => this.#links.delete(link));
    // Each may hold a frame that is half there: who knows one worker's password must not fill the memory with them. The newest
    // stays, since a worker comes again because its former connection is gone.
    this.#waiting.get(link.name)?.terminate();
    this.#waiting.set(link.name, link);
    void this.#takeTurn(link.name, async () => {
      if (this.#waiting.get(link.name) === link) this.#waiting.delete(link.name);
      if (link.isOpen) await this.#attach(link);
    });
  }

  async #attach(link: WorkerLink): Promise<void> {
    const { workers, data, persistence, adopter, clock, log } = this.#options;
    if (this.#refusing || this.#stopping !== undefined) return link.close(1001, "the master drains");
    const former = workers.get(link.name);
    if (former !== undefined && !(await this.#replace(former, link))) return;
    const config = this.#options.credentials.find(link.name)?.config;
    const workerid = this.#ids.get(link.name);
    // It was revoked since it logged in.
    if (config === undefined || workerid === undefined || !this.#isAccepted(link)) return link.terminate();
    const worker = await attachWorker({
      link,
      config,
      directories: this.#options.directoriesOf(link.name),
      rules: rulesOfWorker(this.#options.slice, config),
      workerid,
      updates: data.updates,
      persistence,
      adopter,
      clock,
      log,
      isRefusing: () => this.isRefusing,
    });
    if (worker === undefined) return;
    // The drain began while it was being attached: it has no builds.
    if (this.#refusing) return this.release(worker);
    workers.add(worker);
    // `buildbot-worker start` waits for this line, and reports a failure without it.
    void link.print("attached").catch(() => undefined);
    const { version } = worker.info;
    log.info({ worker: worker.name, version, protocol: link.protocol }, `worker ${worker.name} is attached`);
    void link.closed.then((end) => {
      workers.remove(worker);
      worker.departure ??= describeDeparture(end);
      log.info({ worker: worker.name, code: end.code, reason: end.reason }, `worker ${worker.name} has left`);
      return this.#takeTurn(worker.name, () => this.#detach(worker));
    });
  }

  /** A second connection of a name: the first stays if it answers, for only one can build in a directory. */
  async #replace(former: AttachedWorker, link: WorkerLink): Promise<boolean> {
    const answers = await former.link.ping(3000).then(
      () => true,
      () => false,
    );
    if (answers && former.link.isOpen) {
      this.#options.log.warn(
        { worker: link.name },
        `a second worker named ${link.name} was refused: the first one is connected and answers`,
      );
      link.close(1013, "a worker of this name is connected");
      return false;
    }
    former.link.terminate();
    await former.link.closed;
    this.#options.workers.remove(former);
    await this.#detach(former);
    return true;
  }

  async #detach(worker: AttachedWorker): Promise<void> {
    if (worker.detached) return;
    worker.detached = true;
    const { data, persistence, log, workers } = this.#options;
    workers.changed();
    try {
      await persistence.write(`detach worker ${worker.name}`, () =>
        data.updates.workers.detach(worker.workerid, worker.departure),
      );
    } catch (error) {
      if (!(error instanceof Abandoned))
        log.error({ worker: worker.name, err: error }, `worker ${worker.name} could not be detached`);
    }
  }

  #takeTurn(name: string, act: () => Promise<void>): Promise<void> {
    const turn = (this.#turns.get(name) ?? Promise.resolve()).then(act).catch((error: unknown) => {
      this.#options.log.error({ worker: name, err: error }, `worker ${name} could not be dealt with`);
    });
    this.#turns.set(name, turn);
    return turn;
  }

  async #stop(): Promise<void> {
    this.#refusing = true;
    this.#local.leave();
    const links = [...this.#links];
    const busy = links.filter((link) => link.runningCommands.length > 0);
    for (const link of busy) {
      for (const id of link.runningCommands) void link.interrupt(id, "the master stops").catch(() => undefined);
    }
    // Long enough for the interrupts to arrive and for most completions to come back.
    if (busy.length > 0) await this.#options.clock.sleep(300);
    for (const link of links) link.close(1001, "the master goes away");
    await this.#listener?.stop();
    await this.#local.stop();
    await Promise.all(this.#turns.values());
  }
}
