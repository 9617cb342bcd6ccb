import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { type Clock, errors, type Logger, type Service } from "@multimaster/core";
import type { Readiness } from "./health.ts";

export interface HttpServerOptions {
  readonly host: string;
  readonly port: number;
  readonly handler: RequestListener;
  readonly readiness: Readiness;
  readonly clock: Clock;
  readonly log: Logger;
  onListening?(url: string): void;
}

/** Answers that are still being sent when the master stops get this long. */
const lastAnswersMs = 5_000;

/** Listens for HTTP. It drains by saying "not ready", going on until the load balancer has noticed, and closing connections. */
export function createHttpServer({
  host,
  port,
  handler,
  readiness,
  clock,
  log,
  onListening,
}: HttpServerOptions): Service & { url(): string } {
  const server = createServer((request, response) => {
    // The next request of this client goes to another master.
    if (readiness.draining) response.setHeader("Connection", "close");
    handler(request, response);
  });
  // A client has a minute to send its request; an answer that nobody reads for two is given up.
  server.headersTimeout = 20_000;
  server.requestTimeout = 60_000;
  server.keepAliveTimeout = 75_000;
  server.setTimeout(120_000);
  server.on("clientError", (_error, socket) => {
    if (socket.writable) socket.end("HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
    else socket.destroy();
  });

  let listening: AddressInfo | undefined;
  let stopping: Promise<void> | undefined;

  async function close(): Promise<void> {
    if (!server.listening) return;
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    server.closeIdleConnections();
    const timer = clock.after(lastAnswersMs, () => server.closeAllConnections());
    await closed;
    timer.cancel();
  }

  return {
    name: "http server",
    async start() {
      await new Promise<void>((resolve, reject) => {
        const fail = (error: NodeJS.ErrnoException) => {
          if (error.code === "EADDRINUSE") reject(errors.portInUse("ui", host, port, { cause: error }));
          else reject(errors.cannotListen("ui", host, port, error.message, { cause: error }));
        };
        server.once("error", fail);
        server.listen(port, host, () => {
          server.off("error", fail);
          resolve();
        });
      });
      server.on("error", (error) => log.error({ err: error }, "the http server reports an error"));
      listening = server.address() as AddressInfo;
      onListening?.(this.url());
    },
    async drain(signal) {
      readiness.drain();
      await readiness.noticed(signal);
      if (readiness.draining) server.closeIdleConnections();
    },
    async resume() {
      readiness.resume();
    },
    stop: () => (stopping ??= close()),
    ready: () => (readiness.draining ? "draining" : true),
    url() {
      const name = host.includes(":") ? `[${host}]` : host;
      return `http://${name}:${listening?.port ?? port}/`;
    },
  };
}
