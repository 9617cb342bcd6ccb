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
  /** The path below which users find this, if a proxy does not take it away: `/`, or `/ci/`. */
  readonly basePath: string;
  /** Whether a `Host` header names this master; anything else is answered by no one. */
  readonly isOwnHost: HostCheck;
  /** The first free one of several; 0: any free port. */
  readonly port: number | readonly number[];
  readonly handler: RequestListener;
  /** Takes what becomes a WebSocket, and everything else that stays open. */
  readonly realtime: Pick<Realtime, "upgrade" | "leave" | "resume" | "end">;
  readonly readiness: Readiness;
  /** How many connections the address of a socket may have. */
  maxConnectionsOf(address: string): number;
  readonly clock: Clock;
  readonly log: Logger;
  onListening?(url: string): void;
}

/** Answers that are still being sent when the master stops get this long. */
const lastAnswersMs = 5_000;

/** More than one master should serve. */
const mostConnections = 10_000;
/** Those of addresses that may not have any number; the rest is for this machine and for proxies. */
const mostOfStrangers = 8_000;

/** A master that no one has sent a request to for this long has been left alone by its balancers. */
const quietMs = 250;
/** Who goes on sending requests for longer than this has no other master to send them to. */
const longestLeavingMs = 5_000;

/**
 * Listens for HTTP. It drains by saying "not ready" and going on until the balancers that ask have noticed; then it tells
 * those that do not ask, by answering 503 to what they may send elsewhere, until no one comes any more. Only then it
 * closes the port: whoever is about to be accepted in that moment is cut, and a POST that was cut cannot be repeated.
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
    // Before anything is looked at: a page of a stranger's name that leads here would count as our own.
    if (!isOwnHost(request.headers.host)) return void socket.end(refusalOfHost(request));
    if (!readAddress(request, basePath)) return void socket.end(answerText("400 Bad Request", noAddress));
    if (request.headers.upgrade?.toLowerCase() === "websocket") realtime.upgrade(request, socket, head);
    else serveWithoutUpgrade(server, request, socket as Socket, head);
  });

  function answer(request: IncomingMessage, response: ServerResponse): void {
    if (!readAddress(request, basePath)) return refuseAddress(response);
    if (!isOwnHost(request.headers.host)) return refuseHost(request, response);
    // The next request of this client goes to another master.
    if (readiness.draining) response.setHeader("Connection", "close");
    const isProbe = /^\/(health|ready)\b/.test(request.url ?? "");
    if (!isProbe) requests++;
    if (leaving && !isProbe && isRepeatable(request)) sendElsewhere(response);
    else handler(request, response);
  }
  // A client has a minute to send its request; an answer that no one reads for two is given up.
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
    // Closing resets whoever has connected and was not greeted yet: greet all who have, then close at once.
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
      if (listening === undefined) throw new Error("the ui port was not opened yet");
      return `http://${name}:${listening.port}/`;
    },
  };
}

function refuseHost({ headers: { host = "" } }: IncomingMessage, response: ServerResponse): void {
  const { status, message } = errors.hostUnknown(host);
  response.writeHead(status, { Connection: "close", "Content-Type": "text/plain; charset=utf-8" });
  response.end(JSON.stringify({ error: message }));
}

/** The same for what would have become a WebSocket. */
function refusalOfHost({ headers: { host = "" } }: IncomingMessage): string {
  const { message } = errors.hostUnknown(host);
  return answerText("421 Misdirected Request", message);
}

const noAddress = "this address is none of a server";

function refuseAddress(response: ServerResponse): void {
  response.writeHead(400, { Connection: "close", "Content-Type": "text/plain; charset=utf-8" });
  response.end(JSON.stringify({ error: noAddress }));
}

/** What cannot be read as a request is answered all the same, in the words of the API. */
function answerToNoRequest({ code }: NodeJS.ErrnoException): string {
  const [status, error] =
    code === "HPE_HEADER_OVERFLOW"
      ? ["431 Request Header Fields Too Large", "the address and the headers are longer than 16 kB together"]
      : ["400 Bad Request", "this is no HTTP request"];
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
