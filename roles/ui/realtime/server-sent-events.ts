import { randomUUID } from "node:crypto";
import type { ServerResponse } from "node:http";
import type { LiveEvent } from "@multimaster/data";
import type Koa from "koa";
import type { Audience, BusNews, Client } from "./audience.ts";
import { createStillCheck, type Listener } from "./rights.ts";
import { type Refusal, type SubscriptionOptions, Subscriptions, writeOnce } from "./subscriptions.ts";

const eventText = writeOnce(({ key, payload }) => sseText("event", JSON.stringify({ key, message: payload })));

/** A separate event type, to which clients that know only Buildbot's events do not listen. */
export function busText(news: BusNews): string {
  return sseText("bus", JSON.stringify(news));
}

const refusals: Readonly<Record<Refusal, readonly [status: number, text: string]>> = {
  forbidden: [403, "you may not listen to this path"],
  "too many": [400, "too many paths on one connection"],
  "too long": [400, "the path is too long"],
  unknown: [404, "no event has such a path"],
};

/** Maximum number of events held before the greeting. */
const maxHeld = 1_000;

/**
 * `/sse` (docs/spec/web-contract.md §4.4): the same events for clients that only speak HTTP. The greeting comes when all paths of
 * the address are listened to, before the first event: a client that reads the rows then misses nothing.
 */
export function serveEvents(
  options: SubscriptionOptions & {
    audience: Audience;
    news(): BusNews | undefined;
    isAllowed(origin: string, host: string | undefined): boolean;
  },
): Koa.Middleware {
  const { rights, audience, news, isAllowed } = options;
  /** Clients that can subscribe to more paths, by the uuid of their greeting. */
  const listening = new Map<string, Subscriptions>();

  async function listen(ctx: Koa.Context, listener: Listener, paths: readonly string[]): Promise<void> {
    const uuid = randomUUID();
    const client = createResponseClient(ctx.res, rights.addressOf(ctx.req));
    const held: LiveEvent[] = [];
    let greeted = false;
    const subscriptions = new Subscriptions(options, listener, (event) => {
      if (greeted) audience.send(client, eventText(event));
      else if (held.length < maxHeld) held.push(event);
      // It would miss the events in between without noticing.
      else client.cut();
    });
    // No subscription has started yet, so each path alone would be within the limit.
    const refusal =
      paths.length > rights.maxPaths(listener)
        ? "too many"
        : paths.map((path) => subscriptions.check(path)).find((found) => found !== undefined);
    if (refusal) return refuse(ctx, ...refusals[refusal]);
    const remove = audience.add(client, createStillCheck(rights, options.clock, listener, ctx.req));
    ctx.res.once("close", () => {
      remove();
      subscriptions.end();
      listening.delete(uuid);
    });
    // From here on the response is written directly: koa would keep in memory what the client does not read.
    ctx.respond = false;
    ctx.status = 200;
    ctx.set({
      "Content-Type": "text/event-stream; charset=utf-8",
      "Cache-Control": "no-cache",
      "X-Accel-Buffering": "no",
    });
    ctx.res.flushHeaders();
    await Promise.all(paths.map((path) => subscriptions.start(path)));
    if (ctx.res.destroyed) return subscriptions.end();
    listening.set(uuid, subscriptions);
    const known = news();
    client.send(sseText("handshake", uuid) + (known ? busText(known) : ""));
    greeted = true;
    for (const event of held) audience.send(client, eventText(event));
  }

  async function change(ctx: Koa.Context, verb: "add" | "remove", uuid: string, path: string): Promise<void> {
    if (uuid === "") return refuse(ctx, 400, "need uuid");
    const subscriptions = listening.get(uuid);
    if (!subscriptions) return refuse(ctx, 400, "unknown uuid");
    if (!subscriptions.takeCommand()) return refuse(ctx, 429, "too many commands on one connection; wait a moment");
    if (verb === "remove") {
      if (!subscriptions.stop(path)) return refuse(ctx, 404, "consumer is not listening to this event");
    } else {
      const refusal = subscriptions.check(path);
      if (refusal) return refuse(ctx, ...refusals[refusal]);
      await subscriptions.start(path);
    }
    ctx.set("Cache-Control", "no-store");
    ctx.body = "ok";
  }

  return async (ctx, next) => {
    if (!ctx.path.startsWith("/sse/") || ctx.method !== "GET") return next();
    const origin = ctx.get("Origin");
    if (origin !== "") {
      if (!isAllowed(origin, ctx.get("Host") || undefined)) return refuse(ctx, 400, "invalid origin");
      ctx.set("Access-Control-Allow-Origin", origin);
    }
    const [first = "", ...rest] = ctx.path.slice("/sse/".length).split("/").map(decode);
    if (first === "add" || first === "remove") return change(ctx, first, rest[0] ?? "", rest.slice(1).join("/"));
    const path = (first === "listen" ? rest : [first, ...rest]).join("/");
    const named = [path, ...ctx.URL.searchParams.getAll("path")].filter((one) => one !== "");
    const paths = [...new Set(named)];
    const listener = await rights.identify(ctx.req);
    if (!listener) return refuse(ctx, 403, "you may not listen");
    if (audience.isFullFor(rights.addressOf(ctx.req)))
      return refuse(ctx, 503, "your address has too many connections here");
    if (audience.isFull) return refuse(ctx, 503, "this master has too many listeners; another one answers");
    await listen(ctx, listener, paths);
  };
}

function createResponseClient(response: ServerResponse, address: string): Client {
  return {
    kind: "sse",
    address,
    get waiting() {
      return response.writableLength;
    },
    send(text) {
      if (!response.writableEnded) response.write(text);
    },
    /** Sends a comment. It has no answer, but if it cannot be delivered, the buffer fills and the client times out. */
    ping() {
      if (response.headersSent) this.send(": ping\n\n");
      return true;
    },
    leave: () => void response.end(),
    cut: () => void response.destroy(),
  };
}

function sseText(event: string, data: string): string {
  return `event: ${event}\ndata: ${data}\n\n`;
}

function refuse(ctx: Koa.Context, status: number, text: string): void {
  ctx.status = status;
  ctx.type = "text";
  ctx.body = `${text}\n`;
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
