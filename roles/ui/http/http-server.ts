import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import type { Duplex } from "node:stream";
import { type Clock, errors, type HostCheck, type Logger, listenOnFreePort, type Service } from "@multimaster/core";
import type { Readiness } from "../health.ts";
import type { Realtime } from "../realtime/realtime.ts";
import { limitConnections } from "./limit-connections.ts";
import { readAddress } from "./read-address.ts";
import { serveWithoutUpgrade } from "./serve-without-upgrade.ts";

export interface HttpServerOptions {
  readonly host: string;
  /** The path below which users find this ui, if a proxy does not remove it: `/`, or `/ci/`. */
  readonly basePath: string;
  /** Whether a `Host` header names this master; other requests are refused. */
  readonly isOwnHost: HostCheck;
  /** The first free one of several; 0: any free port. */
  readonly port: number | readonly number[];
  readonly handler: RequestListener;
  /** Handles requests for a WebSocket, and all other lasting connections. */
  readonly realtime: Pick<Realtime, "upgrade" | "leave" | "resume" | "end">;
  readonly readiness: Readiness;
  /** The maximum number of connections of a socket's address. */
  maxConnectionsOf(address: string): number;
  readonly clock: Clock;
  readonly log: Logger;
  onListening?(url: string): void;
}

/** Timeout for answers that are still being sent when the master stops. */
const lastAnswersMs = 5_000;

/** Upper limit on connections, more than one master should serve. */
const mostConnections = 10_000;
/** Those of addresses that may not have any number; the rest is for this machine and for proxies. */
const mostOfStrangers = 8_000;

/** When a draining master has received no request for this long, its balancers have stopped using it. */
const quietMs = 250;
/** Clients that keep sending requests for longer than this have no other master. */
const longestLeavingMs = 5_000;

/**
 * Listens for HTTP. To drain, it reports "not ready" and keeps serving until its balancers have noticed. Then it informs
 * clients that do not check, by answering 503 to requests that they may repeat elsewhere, until no more arrive. Only then it
 * closes the port, because that cuts connections about to be accepted, and a POST that was cut cannot be repeated.
 */
export function createHttpServer({
  host,
  basePath,
  isOwnHost,
  port,
  handler,
  realtime,
  readiness,
  maxConnectionsOf,
  clock,
  log,
  onListening,
}: HttpServerOptions): Service & { url(): string } {
  let leaving = false;
  let requests = 0;
  const server = createServer(answer);
  // A flood from many addresses of one network cuts its own connections; what is beyond is not accepted.
  server.maxConnections = mostConnections;
  limitConnections(server, maxConnectionsOf, mostOfStrangers);
  server.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on("error", () => socket.destroy());
    // Checked first: a page under a stranger's host name that points here would count as our own.
    if (!isOwnHost(request.headers.host)) return void socket.end(refusalOfHost(request));
    if (!readAddress(request, basePath)) return void socket.end(answerText("400 Bad Request", noAddress));
    if (request.headers.upgrade?.toLowerCase() === "websocket") realtime.upgrade(request, socket, head);
    else serveWithoutUpgrade(server, request, socket as Socket, head);
  });

  function answer(request: IncomingMessage, response: ServerResponse): void {
    if (!readAddress(request, basePath)) return refuseAddress(response);
    if (!isOwnHost(request.headers.host)) return refuseHost(request, response);
    // The client's next request goes to another master.
    if (readiness.draining) response.setHeader("Connection", "close");
    const isProbe = /^\/(health|ready)\b/.test(request.url ?? "");
    if (!isProbe) requests++;
    if (leaving && !isProbe && isRepeatable(request)) sendElsewhere(response);
    else handler(request, response);
  }
  // A client has a minute to send its request; an answer that is not read for two minutes is dropped.
  server.headersTimeout = 20_000;
  server.requestTimeout = 60_000;
  server.keepAliveTimeout = 75_000;
  server.setTimeout(120_000);
  server.on("clientError", (error, socket) => {
    if (socket.writable) socket.end(answerToNoRequest(error));
    else socket.destroy();
  });

  let listening: AddressInfo | undefined;
  let stopping: Promise<void> | undefined;

  async function nobodyComes(signal: AbortSignal): Promise<void> {
    for (let waited = 0; waited < longestLeavingMs && !signal.aborted; waited += quietMs) {
      const before = requests;
      await clock.sleep(quietMs, signal);
      if (requests === before) return;
    }
  }

  async function close(): Promise<void> {
    if (!server.listening) return;
    // Closing resets connections that were not accepted yet: accept all of them, then close immediately.
    await new Promise((resolve) => setImmediate(resolve));
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    server.closeIdleConnections();
    await realtime.end();
    const timer = clock.after(lastAnswersMs, () => server.closeAllConnections());
    await closed;
    timer.cancel();
  }

  return {
    name: "http server",
    async start() {
      listening = await listenOnFreePort(server, "ui", host, port);
      server.on("error", (error) => log.error({ err: error }, "the http server reports an error"));
      onListening?.(this.url());
    },
    async drain(signal) {
      readiness.drain();
      await readiness.noticed(signal);
      if (!readiness.draining) return;
      leaving = true;
      await realtime.leave(signal);
      await nobodyComes(signal);
      if (leaving) server.closeIdleConnections();
    },
    async resume() {
      leaving = false;
      realtime.resume();
      readiness.resume();
    },
    stop: () => (stopping ??= close()),
    ready: () => (readiness.draining ? "draining" : true),
    url() {
      const name = host.includes(":") ? `[${host}]` : host;
      if (listening === undefined) throw new Error("the ui port is not open yet");
      return `http://${name}:${listening.port}/`;
    },
  };
}

function refuseHost({ headers: { host = "" } }: IncomingMessage, response: ServerResponse): void {
  const { status, message } = errors.hostUnknown(host);
  response.writeHead(status, { Connection: "close", "Content-Type": "text/plain; charset=utf-8" });
  response.end(JSON.stringify({ error: message }));
}

/** The same for a request for a WebSocket. */
function refusalOfHost({ headers: { host = "" } }: IncomingMessage): string {
  const { message } = errors.hostUnknown(host);
  return answerText("421 Misdirected Request", message);
}

const noAddress = "invalid request target";

function refuseAddress(response: ServerResponse): void {
  response.writeHead(400, { Connection: "close", "Content-Type": "text/plain; charset=utf-8" });
  response.end(JSON.stringify({ error: noAddress }));
}

/** Answers a request that cannot be parsed, in the form of the API. */
function answerToNoRequest({ code }: NodeJS.ErrnoException): string {
  const [status, error] =
    code === "HPE_HEADER_OVERFLOW"
      ? ["431 Request Header Fields Too Large", "the URL and the headers together are longer than 16 kB"]
      : ["400 Bad Request", "this is not an HTTP request"];
  return answerText(status, error);
}

function answerText(status: string, error: string): string {
  const body = JSON.stringify({ error });
  return [
    `HTTP/1.1 ${status}`,
    "Connection: close",
    "Content-Type: text/plain; charset=utf-8",
    `Content-Length: ${Buffer.byteLength(body)}`,
    "",
    body,
  ].join("\r\n");
}

function isRepeatable({ method }: IncomingMessage): boolean {
  return method === "GET" || method === "HEAD" || method === "OPTIONS";
}

function sendElsewhere(response: ServerResponse): void {
  response.writeHead(503, {
    "Content-Type": "text/plain; charset=utf-8",
    "Retry-After": "1",
    "Cache-Control": "no-store",
  });
  response.end("This master is stopping; another one answers.\n");
}
