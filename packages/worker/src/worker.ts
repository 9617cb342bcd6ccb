import { mkdir } from "node:fs/promises";
import { resolve } from "node:path";
import { Backoff, type Logger, onAbort, type Service } from "@multimaster/core";
import { createSocketTransport, formatBasicAuth, maxFrameBytes, RefusalLog } from "@multimaster/wire";
import { WebSocket } from "ws";
import { CommandHost } from "./command-host.ts";
import { passedEnvironment } from "./environment.ts";

export interface WorkerOptions {
  /** Where the masters listen: `ws://HOST:PORT`; `wss:`, `http:` and `https:` work as well. */
  url: string;
  name: string;
  password: string;
  /** Where builds live; made if missing. */
  basedir: string;
  log: Logger;
  /** Environment of the commands; default: what is plain of this process's. */
  environment?: Readonly<Record<string, string>>;
  /** Pause before coming back after a drop or a refusal, in milliseconds; varied by a quarter either way. */
  retryMs?: number;
  /** Longest pause while nothing listens there. */
  maxRetryMs?: number;
}

export interface Worker extends Service {
  /** Resolves when a master asked this worker to end; the owner then stops it. */
  readonly shutdownRequested: Promise<void>;
}

/** A worker: connects to a master, runs its commands, and comes back for ever when the connection is lost. */
export function createWorker(options: WorkerOptions): Worker {
  return new ConnectingWorker(options);
}

/** A worker gives a master that does not answer the upgrade no more time than Python's does. */
const handshakeMs = 5000;

type Attempt = "dropped" | "refused" | "unreachable";

class ConnectingWorker implements Worker {
  readonly name: string;
  readonly shutdownRequested: Promise<void>;
  #options: WorkerOptions;
  #url: string;
  #basedir: string;
  #host: CommandHost;
  #log: Logger;
  #troubles: RefusalLog;
  #stop = new AbortController();
  #socket: WebSocket | undefined;
  #loop: Promise<void> | undefined;
  #stopped: Promise<void> | undefined;

  constructor(options: WorkerOptions) {
    this.name = `worker ${options.name}`;
    this.#options = options;
    this.#url = normalizeUrl(options.url);
    this.#basedir = resolve(options.basedir);
    this.#log = options.log;
    this.#troubles = new RefusalLog(options.log);
    let onShutdown: () => void = () => undefined;
    this.shutdownRequested = new Promise((resolveShutdown) => {
      onShutdown = resolveShutdown;
    });
    const { name, log, environment = passedEnvironment() } = options;
    this.#host = new CommandHost({ name, basedir: this.#basedir, log, environment, onShutdown });
  }

  /** Resolves as soon as it tries to connect: a master that is not there yet is nothing unusual. */
  async start(): Promise<void> {
    await mkdir(this.#basedir, { recursive: true });
    this.#loop ??= this.#run();
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#end();
    return this.#stopped;
  }

  async #end(): Promise<void> {
    this.#stop.abort();
    // The connection goes first: the master has to see its commands lost, not failed.
    this.#socket?.terminate();
    await this.#host.stop();
    await this.#loop;
  }

  async #run(): Promise<void> {
    const { retryMs = 2000, maxRetryMs = 60_000 } = this.#options;
    const unreachable = new Backoff({ initial: Math.min(retryMs, maxRetryMs), max: maxRetryMs });
    while (!this.#stop.signal.aborted) {
      const attempt = await this.#connect();
      if (attempt !== "unreachable") unreachable.reset();
      // Varied, so that the workers of a master that ends do not all come back in the same moment.
      await this.#pause(attempt === "unreachable" ? unreachable.next() : retryMs * (0.75 + Math.random() * 0.5));
    }
  }

  #pause(ms: number): Promise<void> {
    const { signal } = this.#stop;
    return new Promise((resolvePause) => {
      if (signal.aborted) return resolvePause();
      const timer = setTimeout(done, ms);
      const ignore = onAbort(signal, done);
      function done(): void {
        clearTimeout(timer);
        ignore();
        resolvePause();
      }
    });
  }

  /** One connection from its start to its end. */
  #connect(): Promise<Attempt> {
    const { name, password } = this.#options;
    return new Promise((resolveAttempt) => {
      const socket = new WebSocket(this.#url, {
        headers: { Authorization: formatBasicAuth(name, password) },
        handshakeTimeout: handshakeMs,
        maxPayload: maxFrameBytes,
        perMessageDeflate: false,
      });
      this.#socket = socket;
      const finish = (attempt: Attempt): void => {
        if (this.#socket === socket) this.#socket = undefined;
        resolveAttempt(attempt);
      };
      const onEarlyError = (error: Error): void => {
        if (!this.#stop.signal.aborted) {
          this.#troubles.warn(
            error.message,
            `No master can be reached at ${this.#url}: ${error.message}; it is tried again.`,
          );
        }
        finish("unreachable");
      };
      // Without a listener an error that comes after the first would end the process.
      socket.on("error", () => undefined);
      socket.once("error", onEarlyError);
      socket.once("unexpected-response", (request, response) => {
        this.#troubles.warn(`${response.statusCode}`, describeRefusal(this.#url, name, response.statusCode ?? 0));
        socket.removeListener("error", onEarlyError);
        request.destroy();
        finish("refused");
      });
      socket.once("upgrade", () => {
        // Here and not at "open": a frame of the master can arrive together with its answer.
        socket.removeListener("error", onEarlyError);
        void this.#serve(socket).then(() => finish("dropped"));
      });
    });
  }

  async #serve(socket: WebSocket): Promise<void> {
    this.#log.info(`connected to the master at ${this.#url}`);
    const link = this.#host.serve(
      createSocketTransport(socket, { log: this.#log, peer: "the master", pingMs: 30_000, deadMs: 90_000 }),
    );
    const end = await link.closed;
    if (this.#stop.signal.aborted) return;
    const reason = end.reason === "" ? "" : `: ${end.reason}`;
    this.#log.info(`the connection to the master ended (${end.code}${reason}); connecting again`);
  }
}

function normalizeUrl(text: string): string {
  const url = new URL(text);
  if (url.protocol === "http:") url.protocol = "ws:";
  if (url.protocol === "https:") url.protocol = "wss:";
  if (url.protocol !== "ws:" && url.protocol !== "wss:") throw new TypeError(`"${text}" is no ws://HOST:PORT address`);
  return url.href;
}

function describeRefusal(url: string, name: string, status: number): string {
  if (status === 401)
    return `The master at ${url} refused this worker: it knows no worker "${name}" with this password; it is tried again.`;
  if (status === 503) return `The master at ${url} takes no workers now (503); it is tried again.`;
  return `The master at ${url} refused this worker with HTTP status ${status}; it is tried again.`;
}
