import type { Socket } from "node:net";
import type { Logger } from "@multimaster/core";
import type { LoginThrottle } from "../login-throttle.ts";
import type { RefusalLog } from "../refusal-log.ts";
import type { WorkerLink } from "../worker-link.ts";
import { Broker } from "./broker.ts";
import { watchLiveness } from "./liveness.ts";
import { Login, type Refusal } from "./login.ts";
import { PbWorkerLink } from "./pb-worker-link.ts";
import { createStreamTransport } from "./stream-transport.ts";
import type { OwnObject } from "./values.ts";

export interface PbPortOptions {
  log: Logger;
  refusals: RefusalLog;
  throttle: LoginThrottle;
  /** MD5 of a worker's password; undefined for an unknown name. */
  passwordMd5Of(name: string): Buffer | undefined;
  /** Learns what is known of a worker now; false: it failed. Undefined: there is no more to learn. */
  refresh?(name: string): Promise<boolean> | undefined;
  /** Whether a worker whose password is right is taken now. One that is not is let in and sent away: any error could end its process. */
  takes(name: string): boolean;
  /** A worker has connected. The owner ends the link. */
  onWorker(link: WorkerLink): void;
  /** The connection is known to be a worker's. */
  onIdentified(): void;
  pingMs?: number;
  deadMs?: number;
  /** How often a worker is called, in milliseconds, where the two above are absent. */
  keepAliveOf?(name: string): number;
}

/** From the dialects to the name, and from there to the digest. */
const nameMs = 10_000;
const digestMs = 30_000;
/** A refused worker ends its connection itself, later each time. */
const refusedMs = 90_000;
const maxName = 100;

/** Makes workers of connections that speak Perspective Broker. It owns no socket: the caller ends what is left. */
export class PbPort {
  #options: PbPortOptions;

  constructor(options: PbPortOptions) {
    this.#options = options;
  }

  /** Speaks first, as a worker expects, and waits for its login. */
  accept(socket: Socket, from: string): void {
    const { log, refusals } = this.#options;
    let timer = setTimeout(() => this.#giveUp(socket, from, broker), nameMs);
    const wait = (ms: number) => {
      clearTimeout(timer);
      timer = setTimeout(() => this.#giveUp(socket, from, broker), ms);
    };
    const login = new Login({
      ...this.#checksOf(from),
      onName: () => wait(digestMs),
      onRefused: (name, why) => {
        // New releases back off by themselves as long as they are not cut off.
        wait(refusedMs);
        this.#refuse(name, from, why);
      },
      onAccepted: (name, bot) => {
        clearTimeout(timer);
        this.#options.throttle.succeeded(from, name);
        this.#options.onIdentified();
        return this.#admit(name, bot, broker, transport);
      },
    });
    const transport = createStreamTransport(socket, { log, peer: () => broker.peer });
    const broker = new Broker(transport, {
      log,
      peer: `A client from ${from} on the worker port`,
      root: login.root,
      onViolation: (sentence) => refusals.warn(broker.peer, sentence),
    });
    login.attach(() => broker);
    void broker.closed.then(() => clearTimeout(timer));
  }

  #checksOf(from: string) {
    const { throttle, passwordMd5Of, refresh } = this.#options;
    return {
      passwordMd5Of,
      ...(refresh === undefined ? {} : { refresh }),
      admits: (name: string) => throttle.admits(from, name.slice(0, maxName)),
    };
  }

  #refuse(name: string, from: string, why: Refusal): void {
    const { throttle, refusals } = this.#options;
    const who = `Worker ${JSON.stringify(name.slice(0, maxName))} from ${from} was refused`;
    if (why === "unchecked")
      return refusals.warn(`${from} too many`, `${who} without a password check: too many passwords were wrong.`);
    if (why === "undecided")
      return refusals.warn(`${from} undecided`, `${who}: whether its password is right could not be read in time.`);
    throttle.failed(from, name.slice(0, maxName));
    refusals.warn(`${from} ${name.slice(0, maxName)}`, `${who}: no worker with that name and password is configured.`);
  }

  #admit(name: string, bot: number, broker: Broker, transport: ReturnType<typeof createStreamTransport>): OwnObject {
    const { log, takes, onWorker, keepAliveOf } = this.#options;
    const keepAlive = keepAliveOf?.(name) ?? 20_000;
    const { pingMs = keepAlive, deadMs = 3 * keepAlive } = this.#options;
    broker.admit(`worker ${name}`);
    const link = new PbWorkerLink(broker, { name, log, bot });
    watchLiveness(link, transport, { log, frame: broker.frame, pingMs, deadMs });
    // After the login was answered: the worker counts what ends before as a failed login.
    setImmediate(() => {
      if (!link.isOpen) return;
      if (takes(name)) onWorker(link);
      else link.close(1001, "this master takes no workers now");
    });
    return link.avatar;
  }

  /** A client that connects and says nothing is a balancer's check: nothing is logged about it. */
  #giveUp(socket: Socket, from: string, broker: Broker): void {
    if (socket.bytesRead > 0 && !broker.hasDialect)
      this.#options.refusals.warn(from, `A client from ${from} on the worker port never chose a dialect of pb.`);
    else if (broker.hasDialect)
      this.#options.refusals.warn(from, `A client from ${from} on the worker port did not complete its login in time.`);
    broker.terminate();
  }
}
