import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import type { UiSlice } from "@multimaster/config";
import { UserError } from "@multimaster/core";
import type Koa from "koa";
import type { RoleContext } from "../../define-role.ts";
import { createOriginCheck } from "../rest/cors.ts";
import { Audience, type BusNews } from "./audience.ts";
import type { ListeningRights } from "./rights.ts";
import { busText, serveEvents } from "./server-sent-events.ts";
import { busFrame, createWebSockets } from "./web-socket.ts";

/** Events for browsers, over WebSocket and over plain HTTP. */
export interface Realtime {
  readonly serveEvents: Koa.Middleware;
  /** Handles a request for a WebSocket. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  /** Sends all clients to another master, and refuses new ones. */
  leave(signal: AbortSignal): Promise<void>;
  /** Accepts clients again. */
  resume(): void;
  end(): Promise<void>;
}

export function createRealtime(context: RoleContext<UiSlice>, rights: ListeningRights): Realtime {
  const { clock, data, log } = context;
  // A new config may allow others.
  const isAllowed = (origin: string, host: string | undefined) =>
    createOriginCheck(context.config.own, context.config.shared)(origin, host);
  const audience = new Audience({ ...context, maxPerAddress: context.config.own.listenersPerAddress });
  let leaving = false;

  const busNews = (): BusNews => ({ state: data.bus.state, since: data.bus.degradedSince });
  // A client that receives `connected` reads its rows again, because messages of other masters were lost meanwhile.
  const forget = data.bus.onState(() => {
    const news = busNews();
    audience.sendAll(({ kind }) => (kind === "ws" ? busFrame(news) : busText(news)));
  });
  const options = {
    live: data.live,
    rights,
    clock,
    audience,
    news: () => (data.bus.state === "degraded" ? busNews() : undefined),
  };
  const webSockets = createWebSockets(options);

  async function upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    const { origin, host } = request.headers;
    // Any page can open a WebSocket to any host, with its reader's cookies.
    if (origin !== undefined && !isAllowed(origin, host)) return refuse(socket, "403 Forbidden");
    const listener = await rights.identify(request);
    if (!listener) return refuse(socket, "403 Forbidden");
    if (leaving || audience.isFull || audience.isFullFor(rights.addressOf(request)))
      return refuse(socket, "503 Service Unavailable");
    webSockets.upgrade(request, socket, head, listener);
  }

  return {
    serveEvents: serveEvents({
      ...options,
      isAllowed: (origin, host) => isAllowed(origin, host),
    }),
    upgrade(request, socket, head) {
      const path = (request.url ?? "").split("?")[0];
      if (path !== "/ws") return refuse(socket, "404 Not Found");
      upgrade(request, socket, head).catch((error: unknown) => {
        if (error instanceof UserError) return refuse(socket, statuses[error.status] ?? "403 Forbidden");
        log.error({ err: error }, "a WebSocket could not be opened");
        refuse(socket, "500 Internal Server Error");
      });
    },
    async leave(signal) {
      leaving = true;
      await audience.leave(signal);
    },
    resume() {
      leaving = false;
    },
    async end() {
      leaving = true;
      forget();
      await audience.end();
    },
  };
}

const statuses: Readonly<Record<number, string>> = { 401: "401 Unauthorized", 503: "503 Service Unavailable" };

function refuse(socket: Duplex, status: string): void {
  if (socket.writable) socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
  else socket.destroy();
}
