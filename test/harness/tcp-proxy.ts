import { connect, createServer, type Socket } from "node:net";
import { onCleanup } from "./cleanup.ts";
import { TcpLane } from "./tcp-lane.ts";

/** Which way bytes flow: from who connected to the program behind the proxy, or back. */
export type Direction = "toTarget" | "toClient";

/** Who is at either end of a connection: who dialled, or the program behind the proxy. */
export type Side = "client" | "target";

const directions: readonly Direction[] = ["toTarget", "toClient"];

export interface TcpProxyOptions {
  /** Where connections lead: a port of 127.0.0.1, or any URL with host and port. */
  target: number | string;
}

/** One connection whose answers are held back, see `holdAfter`. */
export interface HeldConnection {
  /** Resolves when the trigger was passed on to the other side: from here on nothing comes back. */
  readonly triggered: Promise<void>;
  /** Resolves when an answer has arrived at the proxy and is kept there: what was asked for has been done. */
  readonly answered: Promise<void>;
  /** Resets the connection, and with it forgets the answer. */
  cut(): void;
  /** Lets the answer, and all that follows, pass after all. */
  release(): void;
}

/** A wire between two programs that a test can cut, stall, slow down or listen to. Runs in the test's own process. */
export interface TcpProxy {
  readonly port: number;
  /** The same URL, led through the proxy: `url(postgres.url)`. */
  url(original: string): string;
  /**
   * Resets all open connections; new ones are still accepted. With a side, only that side is notified: the other one keeps a
   * connection at whose end no one is.
   */
  cut(side?: Side): void;
  /** Connections accepted from now on lead there; open ones stay. */
  retarget(target: TcpProxyOptions["target"]): void;
  /** Half-open: connections stay, and new ones are accepted, but nothing passes, not even their end. */
  stall(direction?: Direction): void;
  /** What was held back passes now. */
  resume(direction?: Direction): void;
  /** Connects no one any more ("connection refused"); open connections stay. */
  refuse(): Promise<void>;
  accept(): Promise<void>;
  /** Bytes that arrive from now on are passed on this much later, in each direction. */
  delay(ms: number): void;
  /**
   * The first connection in which the trigger flows in `direction` (a text or pattern; or so many bytes, counted from
   * now) passes it on, and from then on nothing flows back: the request is served, the answer never arrives.
   */
  holdAfter(trigger: string | RegExp | number, direction?: Direction): HeldConnection;
  readonly counters: {
    /** Connections accepted so far, and open now. */
    readonly accepted: number;
    readonly open: number;
    /** Bytes delivered so far. */
    readonly toTarget: number;
    readonly toClient: number;
  };
  stop(): Promise<void>;
}

/** Starts a proxy on a free port of 127.0.0.1; it ends with the test file. */
export async function startTcpProxy({ target }: TcpProxyOptions): Promise<TcpProxy> {
  let to = addressOf(target);
  const stalled = new Set<Direction>();
  const connections = new Set<Connection>();
  const triggers = new Set<Trigger>();
  const ended: Record<Direction, number> = { toTarget: 0, toClient: 0 };
  let accepted = 0;
  let delayMs = 0;

  // Half-closed connections are passed on as such.
  const server = createServer({ allowHalfOpen: true }, (client) => {
    accepted++;
    const connection = new Connection(client, connect({ ...to, allowHalfOpen: true }), {
      isStalled: (direction) => stalled.has(direction),
      delayMs: () => delayMs,
      onChunk: (direction, chunk) => {
        for (const trigger of triggers) if (trigger.fires(connection, direction, chunk)) triggers.delete(trigger);
      },
      onClosed: () => {
        connections.delete(connection);
        for (const direction of directions) ended[direction] += connection.lanes[direction].delivered;
      },
    });
    connections.add(connection);
  });
  const listen = (port: number) =>
    new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(port, "127.0.0.1", () => {
        server.off("error", reject);
        resolve();
      });
    });
  await listen(0);
  const { port } = server.address() as { port: number };
  const total = (direction: Direction) =>
    [...connections].reduce((sum, { lanes }) => sum + lanes[direction].delivered, ended[direction]);
  const refuse = async (): Promise<void> => {
    // Its callback waits for open connections; the port itself is closed immediately.
    if (server.listening) server.close();
  };
  const cut = (side?: Side): void => {
    for (const connection of connections) connection.cut(side);
  };

  const proxy: TcpProxy = {
    port,
    url(original) {
      const url = new URL(original);
      url.hostname = "127.0.0.1";
      url.port = String(port);
      return url.href;
    },
    cut,
    retarget(next) {
      to = addressOf(next);
    },
    stall(direction) {
      for (const each of direction ? [direction] : directions) stalled.add(each);
    },
    resume(direction) {
      for (const each of direction ? [direction] : directions) stalled.delete(each);
      for (const connection of connections) connection.pump();
    },
    refuse,
    accept: async () => {
      if (!server.listening) await listen(port);
    },
    delay(ms) {
      delayMs = ms;
    },
    holdAfter(what, direction = "toTarget") {
      const trigger = new Trigger(what, direction);
      triggers.add(trigger);
      return trigger;
    },
    counters: {
      get accepted() {
        return accepted;
      },
      get open() {
        return connections.size;
      },
      get toTarget() {
        return total("toTarget");
      },
      get toClient() {
        return total("toClient");
      },
    },
    async stop() {
      forget();
      await refuse();
      cut();
    },
  };
  const forget = onCleanup(() => proxy.stop());
  return proxy;
}

interface ConnectionOptions {
  isStalled(direction: Direction): boolean;
  delayMs(): number;
  onChunk(direction: Direction, chunk: Buffer): void;
  onClosed(): void;
}

class Connection {
  private readonly client: Socket;
  private readonly target: Socket;
  readonly lanes: Record<Direction, TcpLane>;
  /** The direction that a trigger has closed. */
  held: Direction | undefined;
  /** One side is gone, and the other is not notified. */
  private halved = false;
  /** Called when something waits in the held direction. */
  onHeld: (() => void) | undefined;

  constructor(client: Socket, target: Socket, options: ConnectionOptions) {
    this.client = client;
    this.target = target;
    const lane = (direction: Direction, source: Socket, sink: Socket) =>
      new TcpLane(source, sink, {
        isOpen: () => !this.halved && !options.isStalled(direction) && this.held !== direction,
        delayMs: options.delayMs,
        onChunk: (chunk) => {
          options.onChunk(direction, chunk);
          if (this.held === direction) this.onHeld?.();
        },
      });
    this.lanes = { toTarget: lane("toTarget", client, target), toClient: lane("toClient", target, client) };
    let open = 2;
    for (const socket of [client, target]) {
      socket.setNoDelay(true);
      // The close that follows is what counts.
      socket.on("error", () => {});
      socket.on("close", () => {
        open -= 1;
        if (open > 0) return;
        for (const direction of directions) this.lanes[direction].stop();
        options.onClosed();
      });
    }
  }

  pump(): void {
    for (const direction of directions) this.lanes[direction].pump();
  }

  cut(side?: Side): void {
    this.halved = side !== undefined;
    if (side !== "target") this.client.resetAndDestroy();
    if (side !== "client") this.target.resetAndDestroy();
  }
}

/** Waits for a text, or a number of bytes, in every connection, and closes the opposite direction in the first that has it. */
class Trigger implements HeldConnection {
  private readonly what: string | RegExp | number;
  private readonly direction: Direction;
  readonly triggered: Promise<void>;
  readonly answered: Promise<void>;
  private fire!: () => void;
  private answer!: () => void;
  private connection: Connection | undefined;
  /** The end of what has passed, by connection: a text may come in two chunks. */
  private readonly passed = new Map<Connection, { tail: string; bytes: number }>();

  constructor(what: string | RegExp | number, direction: Direction) {
    this.what = what;
    this.direction = direction;
    this.triggered = new Promise((resolve) => {
      this.fire = resolve;
    });
    this.answered = new Promise((resolve) => {
      this.answer = resolve;
    });
  }

  fires(connection: Connection, direction: Direction, chunk: Buffer): boolean {
    if (direction !== this.direction) return false;
    const before = this.passed.get(connection) ?? { tail: "", bytes: 0 };
    const text = before.tail + chunk.toString("latin1");
    const bytes = before.bytes + chunk.length;
    this.passed.set(connection, { tail: text.slice(-1024), bytes });
    if (!this.matches(text, bytes)) return false;
    this.passed.clear();
    this.connection = connection;
    connection.held = direction === "toTarget" ? "toClient" : "toTarget";
    connection.onHeld = this.answer;
    this.fire();
    return true;
  }

  cut(): void {
    this.connection?.cut();
  }

  release(): void {
    if (!this.connection) return;
    this.connection.held = undefined;
    this.connection.pump();
  }

  private matches(text: string, bytes: number): boolean {
    if (typeof this.what === "number") return bytes >= this.what;
    return typeof this.what === "string" ? text.includes(this.what) : this.what.test(text);
  }
}

function addressOf(target: number | string): { host: string; port: number } {
  if (typeof target === "number") return { host: "127.0.0.1", port: target };
  const { hostname, port } = new URL(target);
  if (port === "") throw new Error(`a proxy needs the port of its target; ${target} has none`);
  return { host: hostname, port: Number(port) };
}
