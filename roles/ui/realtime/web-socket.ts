import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { isNestedDeeper, type Json } from "@multimaster/core";
import { type WebSocket, WebSocketServer } from "ws";
import type { Audience, BusNews, Client } from "./audience.ts";
import { answerCommand } from "./commands.ts";
import { createStillCheck, type Listener } from "./rights.ts";
import { type SubscriptionOptions, Subscriptions, writeOnce } from "./subscriptions.ts";

/** Commands are short. */
const maxFrameBytes = 64 * 1024;
/** Commands are also flat. A refusal repeats the command, which fails if it is nested thousands of levels deep. */
const maxFrameDepth = 8;

const eventFrame = writeOnce(({ key, payload }) => JSON.stringify({ k: key.join("/"), m: payload }));

/** Has the form of an event without a subscription, so Buildbot's own frontend ignores it. */
export function busFrame(news: BusNews): string {
  return JSON.stringify({ k: "bus/state", m: news });
}

/** Speaks Buildbot's protocol of `/ws` (docs/spec/web-contract.md §4.1) with everybody who is let in. */
export function createWebSockets(
  options: SubscriptionOptions & {
    audience: Audience;
    /** The state that a new client must receive; undefined if all is well. */
    news(): BusNews | undefined;
  },
) {
  const { audience, news } = options;
  const server = new WebSocketServer({
    noServer: true,
    maxPayload: maxFrameBytes,
    // An event goes to many clients, and would be compressed separately for each.
    perMessageDeflate: false,
    clientTracking: false,
  });

  function serve(socket: WebSocket, listener: Listener, request: IncomingMessage): void {
    const client = createSocketClient(socket, options.rights.addressOf(request));
    const subscriptions = new Subscriptions(options, listener, (event) => audience.send(client, eventFrame(event)));
    const remove = audience.add(client, createStillCheck(options.rights, options.clock, listener, request));
    socket.on("error", () => socket.terminate());
    socket.once("close", () => {
      remove();
      subscriptions.end();
    });
    socket.on("message", async (data) => {
      if (!subscriptions.takeCommand()) return audience.cutForTooManyCommands(client);
      const frame = parse(String(data));
      if (frame === undefined) return socket.close(1007, "not JSON");
      if (isNestedDeeper(frame, maxFrameDepth)) return socket.close(1007, "nested too deep");
      audience.send(client, JSON.stringify(await answerCommand(frame, subscriptions)));
    });
    const known = news();
    if (known) client.send(busFrame(known));
  }

  return {
    upgrade(request: IncomingMessage, socket: Duplex, head: Buffer, listener: Listener): void {
      server.handleUpgrade(request, socket, head, (ready) => serve(ready, listener, request));
    },
  };
}

function createSocketClient(socket: WebSocket, address: string): Client {
  let answered = true;
  const alive = () => {
    answered = true;
  };
  socket.on("pong", alive);
  socket.on("message", alive);
  return {
    kind: "ws",
    address,
    get waiting() {
      return socket.bufferedAmount;
    },
    send(text) {
      if (socket.readyState === socket.OPEN) socket.send(text);
    },
    ping() {
      const wasThere = answered;
      answered = false;
      if (socket.readyState === socket.OPEN) socket.ping();
      return wasThere;
    },
    leave: () => socket.close(1012, "this master is stopping; another one answers"),
    cut: () => socket.terminate(),
  };
}

function parse(text: string): Json | undefined {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return undefined;
  }
}
