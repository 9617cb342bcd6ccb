import { WebSocket } from "ws";
import { onCleanup } from "./cleanup.ts";

export interface Frame {
  k?: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into whatever came
  m?: any;
  msg?: string;
  code?: number;
  error?: string;
  _id?: number | string | null;
}

/** A client of `/ws` that keeps everything it hears. */
export interface TestListener {
  readonly socket: WebSocket;
  readonly frames: Frame[];
  /** Sends a frame and returns the answer with its `_id`. */
  ask(frame: { _id?: unknown; [field: string]: unknown } | unknown[]): Promise<Frame>;
  listen(path: string): Promise<Frame>;
  /** The keys of the events so far. */
  keys(): string[];
  /** The code it was closed with. */
  readonly closed: Promise<number>;
}

export async function connectListener(url: string, headers: Record<string, string> = {}): Promise<TestListener> {
  const socket = new WebSocket(new URL("/ws", url.replace(/^http/, "ws")), { headers });
  const frames: Frame[] = [];
  const waiting: ((frame: Frame) => boolean)[] = [];
  onCleanup(() => socket.terminate());
  socket.on("message", (data) => {
    const frame = JSON.parse(String(data)) as Frame;
    frames.push(frame);
    const at = waiting.findIndex((takes) => takes(frame));
    if (at >= 0) waiting.splice(at, 1);
  });
  const closed = new Promise<number>((resolve) => socket.once("close", resolve));
  await new Promise((resolve, reject) => socket.once("open", resolve).once("error", reject));
  let lastId = 0;
  const ask: TestListener["ask"] = (frame) =>
    new Promise<Frame>((resolve) => {
      waiting.push((answer) => {
        const isAnswer =
          answer.k === undefined && (answer._id === null || ("_id" in frame && answer._id === frame._id));
        if (isAnswer) resolve(answer);
        return isAnswer;
      });
      socket.send(JSON.stringify(frame));
    });
  return {
    socket,
    frames,
    ask,
    listen: (path) => ask({ cmd: "startConsuming", path, _id: ++lastId }),
    keys: () => frames.flatMap(({ k }) => k ?? []),
    closed,
  };
}
