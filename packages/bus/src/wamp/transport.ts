import autobahn, { type Transport } from "autobahn";
import { WebSocket } from "ws";
import { startWatchdog, type Watchdog } from "../watchdog.ts";

/** The name by which autobahn refers to the transport. */
export const TRANSPORT = "multimaster-websocket";

export interface TransportOptions {
  readonly type: typeof TRANSPORT;
  readonly url: string;
  readonly ca: string | undefined;
  readonly pingMs: number;
  /** Called with the reason when a connection is about to be lost. */
  readonly onError: (error: Error) => void;
  /** Set by the transport: cuts the connection immediately, without asking the router. */
  cut(): void;
}

const HANDSHAKE_MS = 4000;
/** Higher than our own cap, because other masters may use a router with a higher limit. */
const MAX_RECEIVED = 64 * 1024 * 1024;
/** With more unsent bytes than this, the router is stuck; reconnecting is better than queueing without bound. */
const MAX_UNSENT = 32 * 1024 * 1024;

/**
 * WAMP over `ws`. autobahn's own transport needs a global WebSocket (Node 22), never pings, and fails asynchronously on
 * values that cannot be serialised.
 */
class TransportFactory {
  readonly type = TRANSPORT;
  #options: TransportOptions;

  constructor(options: TransportOptions) {
    this.#options = options;
  }

  create(): Transport {
    const { url, ca, pingMs, onError } = this.#options;
    const socket = new WebSocket(url, ["wamp.2.json"], {
      perMessageDeflate: false,
      maxPayload: MAX_RECEIVED,
      handshakeTimeout: HANDSHAKE_MS,
      ...(ca === undefined ? {} : { ca }),
    });
    this.#options.cut = () => socket.terminate();

    const transport: Transport = {
      info: { type: "websocket", url, protocol: null },
      onopen() {},
      onmessage() {},
      onclose() {},
      send(message) {
        if (socket.readyState !== WebSocket.OPEN) return;
        socket.send(JSON.stringify(message));
        if (socket.bufferedAmount > MAX_UNSENT) fail(socket, new Error("the router does not keep up"), onError);
      },
      close(code, reason) {
        socket.close(code ?? 1000, reason?.slice(0, 100));
      },
    };

    let watchdog: Watchdog | undefined;
    socket.on("error", onError);
    socket.on("open", () => {
      const ping = () => socket.ping();
      watchdog = startWatchdog(pingMs, ping, () => fail(socket, new Error("the router does not answer"), onError));
      transport.info.protocol = socket.protocol;
      transport.onopen();
    });
    socket.on("pong", () => watchdog?.alive());
    socket.on("message", (data) => {
      watchdog?.alive();
      try {
        transport.onmessage(JSON.parse(String(data)));
      } catch (error) {
        fail(socket, new Error("the router sent data that is not WAMP", { cause: error }), onError);
      }
    });
    socket.on("close", (code, reason) => {
      watchdog?.end();
      transport.onclose({ code, reason: String(reason), wasClean: code === 1000 });
    });
    return transport;
  }
}

function fail(socket: WebSocket, error: Error, onError: (error: Error) => void): void {
  onError(error);
  socket.terminate();
}

autobahn.transports.register(TRANSPORT, TransportFactory);
