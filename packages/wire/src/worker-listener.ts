import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import type { Duplex } from "node:stream";
import {
  createHostCheck,
  errors,
  type HostCheck,
  type Logger,
  listenOnFreePort,
  type Service,
} from "@multimaster/core";
import { WebSocketServer } from "ws";
import { parseBasicAuth } from "./basic-auth.ts";
import { maxFrameBytes } from "./frames.ts";
import { LoginThrottle } from "./login-throttle.ts";
import { RefusalLog } from "./refusal-log.ts";
import { createSocketTransport } from "./socket-transport.ts";
import { UnidentifiedConnections } from "./unidentified-connections.ts";
import { WorkerLink } from "./worker-link.ts";

export interface WorkerListenerOptions {
  host: string;
  /** The first free one of several; 0: any free port. `address()` returns the actual one. */
  port: number | readonly number[];
  /** The master's name, sent in answers to health checks. */
  master?: string;
  log: Logger;
  /**
   * Whether a worker may connect. Must answer from memory, because workers time out after five seconds. "draining": this
   * master accepts no new workers, so that a load balancer tries the next master. Compare with `isSameSecret`.
   */
  authenticate(name: string, password: string): boolean | "draining";
  /** A worker has connected; it sends nothing before it is asked. The owner ends the link. */
  onWorker(link: WorkerLink): void;
  /** Answers GET /ready: true, or the reason why not. */
  isReady(): true | string;
  /** Answers GET /health; default: healthy as long as it answers. */
  isHealthy?(): true | string;
  /** Answers GET /metrics for programs of this machine; absent: this port serves no metrics. */
  metrics?(): Promise<{ contentType: string; text: string }>;
  /** Whether a `Host` header names this master, checked before metrics are shown. Absent: only IP addresses and localhost. */
  isOwnHost?: HostCheck;
  /** The address of a worker, also behind a balancer; absent: the socket's remote address. */
  addressOf?(request: IncomingMessage): string;
  /** Answers GET /metrics for any client that can connect. */
  openMetrics?: boolean;
  pingMs?: number;
  deadMs?: number;
}

/** The port where workers connect. */
export interface WorkerListener extends Service {
  /** The address in use, once started. */
  address(): { host: string; port: number };
}

/** Clients that connect and send nothing for this long are not WebSocket clients. */
const silenceMs = 10_000;
/** Maximum number of connections not yet known to be a worker's. A worker's is unidentified for a few milliseconds. */
const maxUnidentified = 1000;

/** Opens the worker port: health checks and metrics over HTTP, workers over WebSocket on any path. */
export function createWorkerListener(options: WorkerListenerOptions): WorkerListener {
  return new HttpWorkerListener(options);
}

class HttpWorkerListener implements WorkerListener {
  readonly name = "worker-listener";
  #options: WorkerListenerOptions;
  #refusals: RefusalLog;
  #throttle = new LoginThrottle();
  #links = new Set<WorkerLink>();
  #sockets = new Set<Socket>();
  #unidentified = new UnidentifiedConnections(maxUnidentified);
  #server: Server;
  // No sub-protocol and no extension: with either, Python's client fails the handshake.
  #upgrader = new WebSocketServer({
    noServer: true,
    maxPayload: maxFrameBytes,
    perMessageDeflate: false,
    clientTracking: false,
  });
  #address: AddressInfo | undefined;
  #stopping: Promise<void> | undefined;

  constructor(options: WorkerListenerOptions) {
    this.#options = options;
    this.#refusals = new RefusalLog(options.log);
    this.#server = createServer({ headersTimeout: silenceMs, connectionsCheckingInterval: 2000 }, (request, response) =>
      this.#answerHttp(request, response),
    );
    this.#server.on("upgrade", (request, socket, head) => this.#upgrade(request, socket, head));
    this.#server.on("clientError", (error: Error & { code?: string }, socket) => this.#refuseNonHttp(error, socket));
    this.#server.on("connection", (socket) => {
      this.#sockets.add(socket);
      socket.once("close", () => this.#sockets.delete(socket));
      this.#unidentified.add(socket);
    });
  }

  async start(): Promise<void> {
    const { host, port } = this.#options;
    this.#address = await listenOnFreePort(this.#server, "worker", host, port);
    this.#server.on("error", (error) => this.#options.log.error({ err: error }, "the worker port failed"));
  }

  /** Closes the port and every connection with 1001 "going away"; workers reconnect to another master. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  address(): { host: string; port: number } {
    if (this.#address === undefined) throw new Error("the worker port is not open yet");
    return { host: this.#address.address, port: this.#address.port };
  }

  async #stop(): Promise<void> {
    const closed = this.#server.listening
      ? new Promise<void>((resolve) => this.#server.close(() => resolve()))
      : undefined;
    const links = [...this.#links];
    for (const link of links) link.close(1001, "the master is stopping");
    await Promise.all(links.map((link) => link.closed));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  #answerHttp(request: IncomingMessage, response: ServerResponse): void {
    const path = (request.url ?? "").split("?")[0];
    const {
      isReady,
      isHealthy = () => true as const,
      metrics,
      master,
      isOwnHost = createHostCheck([]),
      openMetrics = false,
    } = this.#options;
    const isMetrics = path === "/metrics" && metrics !== undefined;
    if (path !== "/ready" && path !== "/health" && !isMetrics) return end(404, "not found");
    if (request.method !== "GET" && request.method !== "HEAD") return end(405, "only GET");
    // Metrics name builders and steps. A browser sends no Origin with a simple GET, so only the Host header distinguishes a
    // stranger's page from a program. Health checks reveal nothing, and balancers send them with any Host.
    if (isMetrics && !isOwnHost(request.headers.host))
      return end(421, errors.hostUnknown(request.headers.host ?? "").message);
    if (isMetrics && !openMetrics && !isFromHere(request))
      return end(
        403,
        "This port serves metrics only to programs of this machine: see openMetrics of the workers slice, or monitor.",
      );
    if (isMetrics) {
      metrics().then(
        ({ contentType, text }) => end(200, text, contentType),
        (error: Error) => end(500, error.message),
      );
      return;
    }
    const state = path === "/ready" ? isReady() : isHealthy();
    end(state === true ? 200 : 503, state === true ? "ok" : state);

    function end(status: number, text: string, contentType = "text/plain; charset=utf-8"): void {
      // A balancer's checks are short; keeping their connections open would only delay a stop.
      const who = master === undefined ? {} : { "X-Master": encodeURIComponent(master) };
      response.writeHead(status, { "Content-Type": contentType, Connection: "close", ...who }).end(`${text}\n`);
    }
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on("error", () => socket.destroy());
    const from = this.#options.addressOf?.(request) || (request.socket.remoteAddress ?? "unknown");
    // Workers come through balancers, under any host name, so no list of names can distinguish them from pages. But no
    // worker sends an Origin, and every browser does when it opens a WebSocket.
    if (request.headers.origin !== undefined) {
      const sentence = `A browser from ${from} was refused at the worker port: a web page tried to open a connection.`;
      return this.#refuse(socket, 403, from, sentence);
    }
    const header = request.headers.authorization;
    if (header === undefined) {
      return this.#refuse(socket, 401, from, `A worker from ${from} was refused: it sent no name and password.`);
    }
    const credentials = parseBasicAuth(header);
    if (credentials === undefined) {
      return this.#refuse(
        socket,
        400,
        from,
        `A worker from ${from} was refused: its Authorization header is malformed.`,
      );
    }
    const { name, password } = credentials;
    const who = JSON.stringify(name.slice(0, 100));
    if (!this.#throttle.admits(from, name.slice(0, 100))) {
      const sentence = `Worker ${who} from ${from} was refused without a password check: too many passwords were wrong.`;
      return this.#refuse(socket, 429, `${from} too many`, sentence);
    }
    const verdict = this.#stopping === undefined ? this.#options.authenticate(name, password) : "draining";
    if (verdict === "draining") return refuseUpgrade(socket, 503, "draining");
    if (verdict) this.#throttle.succeeded(from, name);
    else {
      this.#throttle.failed(from, name.slice(0, 100));
      const sentence = `Worker ${who} from ${from} was refused: no worker with that name and password is configured.`;
      return this.#refuse(socket, 401, `${from} ${name.slice(0, 100)}`, sentence);
    }
    this.#upgrader.handleUpgrade(request, socket, head, (webSocket) => {
      this.#unidentified.delete(socket as Socket);
      const { log, pingMs, deadMs } = this.#options;
      const transport = createSocketTransport(webSocket, {
        log,
        peer: `worker ${name}`,
        ...(pingMs === undefined ? {} : { pingMs }),
        ...(deadMs === undefined ? {} : { deadMs }),
      });
      const link = new WorkerLink(transport, { name, log });
      this.#links.add(link);
      void link.closed.then(() => this.#links.delete(link));
      this.#options.onWorker(link);
    });
  }

  #refuse(socket: Duplex, status: number, key: string, sentence: string): void {
    this.#refusals.warn(key, sentence);
    refuseUpgrade(socket, status);
  }

  #refuseNonHttp(error: Error & { code?: string }, socket: Duplex): void {
    const { remoteAddress: from = "unknown", bytesRead } = socket as Socket;
    if (error.code === "ECONNRESET" || !socket.writable) {
      socket.destroy();
      return;
    }
    const timedOut = error.code === "ERR_HTTP_REQUEST_TIMEOUT";
    const why =
      timedOut && bytesRead === 0 ? "it sent nothing" : timedOut ? "its request never ended" : "it does not speak HTTP";
    const sentence =
      `A client from ${from} on the worker port was refused: ${why}. ` +
      "A buildbot-worker needs --protocol=msgpack_experimental_v7; the pb protocol is not supported.";
    this.#refusals.warn(`${from} ${why}`, sentence);
    refuseUpgrade(socket, timedOut ? 408 : 400);
  }
}

/** A balancer on this machine hides the client: the balancer's own config must restrict /metrics (docs/deploy.md). */
function isFromHere({ socket: { remoteAddress = "" } }: IncomingMessage): boolean {
  return /^(::ffff:)?127\.|^::1$/.test(remoteAddress);
}

const statusTexts: Record<number, string> = {
  400: "Bad Request",
  401: "Unauthorized",
  403: "Forbidden",
  408: "Request Timeout",
  429: "Too Many Requests",
  503: "Service Unavailable",
};

/** Answers without a body and closes. Workers treat every refusal alike, balancers distinguish 503 from 401. */
function refuseUpgrade(socket: Duplex, status: number, reason?: string): void {
  const lines = [
    `HTTP/1.1 ${status} ${statusTexts[status] ?? "Error"}`,
    "Content-Length: 0",
    "Connection: close",
    ...(status === 429 ? ["Retry-After: 5"] : []),
    ...(status === 401 ? ['WWW-Authenticate: Basic realm="worker"'] : []),
    ...(reason === undefined ? [] : [`X-Reason: ${reason}`]),
  ];
  socket.once("finish", () => socket.destroy());
  socket.end(`${lines.join("\r\n")}\r\n\r\n`);
}
