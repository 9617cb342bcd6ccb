import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { createHostCheck, errors, type HostCheck, type Logger, type Service } from "@multimaster/core";
import { WebSocketServer } from "ws";
import { parseBasicAuth } from "./basic-auth.ts";
import { maxFrameBytes } from "./frames.ts";
import { LoginThrottle } from "./login-throttle.ts";
import { MsgpackWorkerLink } from "./msgpack-worker-link.ts";
import { PbListener, type PbListenerOptions } from "./pb/pb-listener.ts";
import { BytePort, type BytePortOptions } from "./ports/byte-port.ts";
import { looksLikeProxyHeader } from "./ports/proxy-header.ts";
import { RefusalLog } from "./refusal-log.ts";
import { refuseUpgrade } from "./refuse-upgrade.ts";
import { createSocketTransport } from "./socket-transport.ts";
import type { WorkerLink } from "./worker-link.ts";

export interface WorkerListenerOptions extends Pick<BytePortOptions, "certificate" | "sendsProxyHeader"> {
  host: string;
  /** The first free one of several; 0: any free port. `address()` returns the actual one. */
  port: number | readonly number[];
  /** The master's name, sent in answers to health checks. */
  master?: string;
  log: Logger;
  /**
   * Whether a worker may connect. Must answer soon, because workers time out after five seconds. "draining": this
   * master accepts no new workers, so that a load balancer tries the next master. Compare with `isSameSecret`.
   */
  authenticate(name: string, password: string): Admission | Promise<Admission>;
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
  /** The address of a worker, also behind a balancer that forwards it in a header; `nearest` is that of the connection. */
  addressOf?(request: IncomingMessage, nearest: string): string;
  /** Answers GET /metrics for any client that can connect. */
  openMetrics?: boolean;
  /** Takes workers that speak pb; absent: none. */
  pb?: PbListenerOptions;
  pingMs?: number;
  deadMs?: number;
  /** How often a worker is pinged, by its name, instead of both: it is dead after three times as long. */
  keepAliveOf?(name: string): number;
}

/** Whether a worker may connect; "draining": to another master. */
export type Admission = boolean | "draining";

/** The port where workers connect. */
export interface WorkerListener extends Service {
  /** The address in use, once started. */
  address(): { host: string; port: number };
  /** That of the port for pb alone; undefined if there is none. */
  pbAddress(): { host: string; port: number } | undefined;
}

/** Sent by a program that only checks whether a worker could connect: it is let in and sent away. */
export const checkHeader = "multimaster-check";

/** Clients that connect and send nothing for this long are not WebSocket clients. */
const silenceMs = 10_000;

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
  #port: BytePort;
  #pb: PbListener | undefined;
  /** Never listens itself: the port gives it connections. */
  #http: Server;
  /** Connections that have not sent a whole request yet. */
  #silent = new Map<Socket, NodeJS.Timeout>();
  // No sub-protocol and no extension: with either, Python's client fails the handshake.
  #upgrader = new WebSocketServer({
    noServer: true,
    maxPayload: maxFrameBytes,
    perMessageDeflate: false,
    clientTracking: false,
  });
  #stopping: Promise<void> | undefined;

  constructor(options: WorkerListenerOptions) {
    this.#options = options;
    this.#refusals = new RefusalLog(options.log);
    const { host, port, log, certificate, sendsProxyHeader } = options;
    this.#http = createServer((request, response) => this.#answerHttp(request, response));
    this.#http.on("upgrade", (request, socket, head) => this.#upgrade(request, socket as Socket, head));
    this.#http.on("clientError", (error, socket) => this.#refuseNonHttp(error, socket as Socket));
    this.#port = new BytePort({ what: "worker", host, port, log, certificate, sendsProxyHeader, allowHalfOpen: true });
    this.#pb = options.pb && this.#createPbListener(options.pb);
    this.#port.on("connection", (socket) => {
      if (this.#pb?.sharesPort === true) this.#pb.takeIfSilent(socket, this.#port, () => this.#takeHttp(socket));
      else this.#takeHttp(socket);
    });
  }

  async start(): Promise<void> {
    await this.#port.start();
    await this.#pb?.start();
  }

  /** Closes the port and every connection with 1001 "going away"; workers reconnect to another master. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  address(): { host: string; port: number } {
    return this.#port.address();
  }

  pbAddress(): { host: string; port: number } | undefined {
    return this.#pb?.address();
  }

  #createPbListener(pb: PbListenerOptions): PbListener {
    const { log, certificate, sendsProxyHeader, pingMs, deadMs, keepAliveOf } = this.#options;
    return new PbListener({
      ...pb,
      log,
      certificate,
      sendsProxyHeader,
      refusals: this.#refusals,
      throttle: this.#throttle,
      takes: (name) => this.#stopping === undefined && pb.takes(name),
      onWorker: (link) => this.#addLink(link),
      ...(keepAliveOf === undefined ? {} : { keepAliveOf }),
      ...(pingMs === undefined ? {} : { pingMs }),
      ...(deadMs === undefined ? {} : { deadMs }),
    });
  }

  #takeHttp(socket: Socket): void {
    this.#limitSilence(socket);
    this.#http.emit("connection", socket);
  }

  #addLink(link: WorkerLink): void {
    this.#links.add(link);
    void link.closed.then(() => this.#links.delete(link));
    this.#options.onWorker(link);
  }

  async #stop(): Promise<void> {
    this.#port.close();
    this.#pb?.close();
    const links = [...this.#links];
    for (const link of links) link.close(1001, "the master is stopping");
    await Promise.all(links.map((link) => link.closed));
    await Promise.all([this.#port.stop(), this.#pb?.stop()]);
  }

  #limitSilence(socket: Socket): void {
    const timedOut = Object.assign(new Error("no request"), { code: "ERR_HTTP_REQUEST_TIMEOUT" });
    const timer = setTimeout(() => this.#refuseNonHttp(timedOut, socket), silenceMs);
    this.#silent.set(socket, timer);
    socket.once("close", () => this.#hasSpoken(socket));
  }

  #hasSpoken(socket: Socket): void {
    clearTimeout(this.#silent.get(socket));
    this.#silent.delete(socket);
  }

  #answerHttp(request: IncomingMessage, response: ServerResponse): void {
    this.#hasSpoken(request.socket);
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
    if (isMetrics && !openMetrics && !isFromHere(this.#port.addressOf(request.socket)))
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

  #upgrade(request: IncomingMessage, socket: Socket, head: Buffer): void {
    this.#hasSpoken(socket);
    socket.on("error", () => socket.destroy());
    const nearest = this.#port.addressOf(socket);
    const from = this.#options.addressOf?.(request, nearest) || nearest;
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
    const decide = (admission: Admission): void => {
      if (admission === "draining" || this.#stopping !== undefined) return refuseUpgrade(socket, 503, "draining");
      if (admission) {
        this.#throttle.succeeded(from, name);
        return this.#admit(name, request, socket, head);
      }
      this.#throttle.failed(from, name.slice(0, 100));
      const sentence = `Worker ${who} from ${from} was refused: no worker with that name and password is configured.`;
      this.#refuse(socket, 401, `${from} ${name.slice(0, 100)}`, sentence);
    };
    const admission = this.#options.authenticate(name, password);
    if (!(admission instanceof Promise)) return decide(admission);
    admission.then(decide, (error: unknown) => {
      this.#options.log.error({ worker: name, err: error }, "a worker's password could not be checked");
      refuseUpgrade(socket, 503);
    });
  }

  #admit(name: string, request: IncomingMessage, socket: Socket, head: Buffer): void {
    this.#upgrader.handleUpgrade(request, socket, head, (webSocket) => {
      this.#port.identified(socket);
      const { log, keepAliveOf } = this.#options;
      if (request.headers[checkHeader] !== undefined) {
        webSocket.on("error", () => undefined);
        log.info({ worker: name }, `a check of worker ${name}: its name and password are right`);
        return webSocket.close(1000, "this was a check");
      }
      const keepAlive = keepAliveOf?.(name);
      const { pingMs = keepAlive, deadMs = keepAlive === undefined ? undefined : 3 * keepAlive } = this.#options;
      const transport = createSocketTransport(webSocket, {
        log,
        peer: `worker ${name}`,
        reads: socket,
        ...(pingMs === undefined ? {} : { pingMs }),
        ...(deadMs === undefined ? {} : { deadMs }),
      });
      this.#addLink(new MsgpackWorkerLink(transport, { name, log }));
    });
  }

  #refuse(socket: Duplex, status: number, key: string, sentence: string): void {
    this.#refusals.warn(key, sentence);
    refuseUpgrade(socket, status);
  }

  #refuseNonHttp(error: Error & { code?: string; rawPacket?: Buffer }, socket: Socket): void {
    this.#hasSpoken(socket);
    const from = this.#port.addressOf(socket);
    if (error.code === "ECONNRESET" || !socket.writable) {
      socket.destroy();
      return;
    }
    const timedOut = error.code === "ERR_HTTP_REQUEST_TIMEOUT";
    const why = timedOut
      ? socket.bytesRead === 0
        ? "it sent nothing"
        : "its request never ended"
      : describeBytes(error.rawPacket ?? Buffer.alloc(0));
    const sentence = `A client from ${from} on the worker port was refused: ${why}. ${this.#describeProtocols()}`;
    this.#refusals.warn(`${from} ${why}`, sentence);
    refuseUpgrade(socket, timedOut ? 408 : 400);
  }

  /** What a buildbot-worker needs that came to this port in vain. */
  #describeProtocols(): string {
    const websocket = "A buildbot-worker needs --protocol=msgpack_experimental_v7 here";
    if (this.#pb === undefined) return `${websocket}: its default protocol, pb, is not taken by this master.`;
    const { port } = this.#pb.address() ?? {};
    if (port !== undefined) return `${websocket}; with its default protocol, pb, it connects to port ${port}.`;
    return `${websocket}, or its default protocol, pb, with nothing before the connection that speaks first.`;
  }
}

/** Why these first bytes of a connection are no request. */
function describeBytes(bytes: Buffer): string {
  if (looksLikeProxyHeader(bytes))
    return "it sent a PROXY header, and proxyProtocol of the workers slice does not name it";
  if (bytes[0] === 0x16 && bytes[1] === 3) return "it speaks TLS, and the workers slice has no certificate (tls)";
  return "it does not speak HTTP";
}

/**
 * A balancer on this machine that sends no PROXY header hides the client: its own config must restrict /metrics
 * (docs/deploy.md).
 */
function isFromHere(address: string): boolean {
  return /^(::ffff:)?127\.|^::1$/.test(address);
}
