import { resolve } from "node:path";
import { type Logger, makeDirectories, onAbort, type Service } from "@multimaster/core";
import { createSocketTransport, formatBasicAuth, maxFrameBytes, RefusalLog } from "@multimaster/wire";
import { WebSocket } from "ws";
import { CommandHost, shutdownAnswerMs } from "./command-host.ts";
import type { KeepLimits } from "./command-reports.ts";
import { passedEnvironment } from "./environment.ts";
import { type Attempt, ReconnectPause } from "./reconnect-pause.ts";

export interface WorkerOptions {
  /** The masters' URL: `ws://HOST:PORT`; `wss:`, `http:` and `https:` work as well. */
  url: string;
  name: string;
  password: string;
  /** Certificates of the authorities that may have signed the master's, in PEM form; absent: those that Node.js knows. */
  ca?: string;
  /** The directory of the builds; created if missing. */
  basedir: string;
  log: Logger;
  /** Environment of the commands; default: the non-secret part of this process's. */
  environment?: Readonly<Record<string, string>>;
  /** What is kept of commands whose connection was lost, so that another engine can resume them. */
  keep?: Partial<KeepLimits> | "nothing";
  /** Pause before the next attempt after a refusal, in milliseconds; shorter after a lost connection. */
  retryMs?: number;
  /** Longest pause while no master listens. */
  maxRetryMs?: number;
}

export interface Worker extends Service {
  /** Resolves when a master requests this worker's shutdown; the owner then stops it. */
  readonly shutdownRequested: Promise<void>;
}

/** A worker: it connects to a master, runs its commands, and always reconnects when the connection is lost. */
export function createWorker(options: WorkerOptions): Worker {
  return new ConnectingWorker(options);
}

/** What a worker keeps unless it is told otherwise. */
const usualKeep: KeepLimits = { characters: 16 * 1024 * 1024, ms: 600_000 };

/** Timeout for a master's answer to the upgrade request, as in Python's worker. */
const handshakeMs = 5000;

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
  /** The master may close the connection before the owner stops this worker: it does not connect again for that moment. */
  #isAskedToEnd = false;
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
    let resolveShutdown: () => void = () => undefined;
    this.shutdownRequested = new Promise((resolveRequest) => {
      resolveShutdown = resolveRequest;
    });
    const onShutdown = (): void => {
      this.#isAskedToEnd = true;
      setTimeout(resolveShutdown, shutdownAnswerMs);
    };
    const { name, log, environment = passedEnvironment() } = options;
    const keep = options.keep === "nothing" ? {} : { keep: { ...usualKeep, ...options.keep } };
    this.#host = new CommandHost({ name, basedir: this.#basedir, log, environment, ...keep, onShutdown });
  }

  /** Resolves as soon as it tries to connect: a master that does not listen yet is normal. */
  async start(): Promise<void> {
    await makeDirectories(this.#basedir);
    this.#loop ??= this.#run();
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#end();
    return this.#stopped;
  }

  async #end(): Promise<void> {
    this.#stop.abort();
    // The connection ends first: the master must see the commands lost, not failed.
    this.#socket?.terminate();
    await this.#host.stop();
    await this.#loop;
  }

  async #run(): Promise<void> {
    const { retryMs = 2000, maxRetryMs = 60_000 } = this.#options;
    const pause = new ReconnectPause(retryMs, maxRetryMs);
    while (!this.#stop.signal.aborted && !this.#isAskedToEnd) await this.#pause(pause.after(await this.#connect()));
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
    const { name, password, ca } = this.#options;
    return new Promise((resolveAttempt) => {
      const socket = new WebSocket(this.#url, {
        ...(ca === undefined ? {} : { ca }),
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
          this.#troubles.warn(error.message, `No master can be reached at ${this.#url}: ${error.message}; retrying.`);
        }
        finish("unreachable");
      };
      // Without this listener, an error after the first would end the process.
      socket.on("error", () => undefined);
      socket.once("error", onEarlyError);
      socket.once("unexpected-response", (request, response) => {
        this.#troubles.warn(`${response.statusCode}`, describeRefusal(this.#url, name, response.statusCode ?? 0));
        socket.removeListener("error", onEarlyError);
        request.destroy();
        finish("refused");
      });
      socket.once("upgrade", () => {
        // Here and not at "open": a frame of the master can arrive together with the answer to the upgrade.
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
    this.#log.info(`the connection to the master ended (${end.code}${reason}); reconnecting`);
  }
}

/** The URL with the scheme of a WebSocket. */
export function normalizeUrl(text: string): string {
  const url = new URL(text);
  if (url.protocol === "http:") url.protocol = "ws:";
  if (url.protocol === "https:") url.protocol = "wss:";
  if (url.protocol !== "ws:" && url.protocol !== "wss:")
    throw new TypeError(`"${text}" is not a ws://HOST:PORT address`);
  return url.href;
}

function describeRefusal(url: string, name: string, status: number): string {
  if (status === 401)
    return `The master at ${url} refused this worker: no worker "${name}" with this password is configured there; retrying.`;
  if (status === 503) return `The master at ${url} accepts no workers now (503); retrying.`;
  if (status === 429)
    return `The master at ${url} refused this worker: there were too many wrong passwords from this address (429); retrying.`;
  return `The master at ${url} refused this worker with HTTP status ${status}; retrying.`;
}
