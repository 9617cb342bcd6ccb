import { WebSocket } from "ws";
import { onCleanup } from "./cleanup.ts";
import { waitFor } from "./wait-for.ts";

export interface WampClientOptions {
  realm: string;
  /** Logs in by ticket; absent: anonymous. */
  login?: { authid: string; ticket: string };
  /** What a browser would say about the page that connects. */
  origin?: string;
}

/** A WAMP client without a library, so that what is on the wire is seen. */
export interface TestWampClient {
  readonly session: number;
  /** Every message of the router, in order. */
  readonly received: unknown[][];
  /** Sends a message and resolves with the next one that is no event. */
  ask(message: unknown[]): Promise<unknown[]>;
  /** Sends a message whose answer does not matter. */
  send(message: unknown[]): void;
  /** The events so far: topic and arguments. */
  events(): { topic: string; args: unknown[] }[];
  readonly isOpen: boolean;
  close(): void;
}

/** Joins a realm; rejects with the router's ABORT, or when it does not even take the connection. */
export async function joinRealm(url: string, { realm, login, origin }: WampClientOptions): Promise<TestWampClient> {
  const socket = new WebSocket(url, ["wamp.2.json"], { ...(origin === undefined ? {} : { origin }) });
  const received: unknown[][] = [];
  socket.on("message", (data) => received.push(JSON.parse(String(data)) as unknown[]));
  await new Promise((resolve, reject) => socket.once("open", resolve).once("error", reject));
  socket.on("error", () => {});
  onCleanup(() => socket.terminate());
  const send = (message: unknown[]) => socket.send(JSON.stringify(message));
  const ask = async (message: unknown[]) => {
    const from = received.length;
    send(message);
    return waitFor(() => received.slice(from).find((answer) => answer[0] !== 36), {
      what: `the answer to ${message[0]}`,
    });
  };
  const features = { features: { pattern_based_subscription: true } };
  const roles = { subscriber: features, publisher: {}, caller: {}, callee: {} };
  const hello = { roles, ...(login ? { authid: login.authid, authmethods: ["ticket"] } : {}) };
  let answer = await ask([1, realm, hello]);
  if (answer[0] === 4 && login) answer = await ask([5, login.ticket, {}]);
  if (answer[0] !== 2) {
    socket.terminate();
    throw new Error(`the router refused: ${JSON.stringify(answer)}`);
  }
  return {
    session: answer[1] as number,
    received,
    ask,
    send,
    events: () =>
      received
        .filter((message) => message[0] === 36)
        .map(([, , , details, args]) => ({
          topic: (details as { topic: string }).topic,
          args: (args ?? []) as unknown[],
        })),
    get isOpen() {
      return socket.readyState === WebSocket.OPEN;
    },
    close: () => socket.terminate(),
  };
}
