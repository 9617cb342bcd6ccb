import type { Socket } from "node:net";

/** Above this many undelivered bytes the sender feels the wall: its own send buffers fill up. */
const highWater = 256 * 1024;

export interface TcpLaneOptions {
  /** Whether bytes may pass now; call `pump` when the answer changes. */
  isOpen(): boolean;
  delayMs(): number;
  /** A chunk arrived; called before it is passed on. */
  onChunk(chunk: Buffer): void;
}

/** One direction of one proxied connection: what `source` sent and `sink` did not get yet, in order. */
export class TcpLane {
  private readonly source: Socket;
  private readonly sink: Socket;
  private readonly options: TcpLaneOptions;
  private readonly queue: { chunk: Buffer; due: number }[] = [];
  private queued = 0;
  private ending: "end" | "reset" | undefined;
  private timer: NodeJS.Timeout | undefined;
  /** Bytes delivered so far. */
  delivered = 0;

  constructor(source: Socket, sink: Socket, options: TcpLaneOptions) {
    this.source = source;
    this.sink = sink;
    this.options = options;
    source.on("data", (chunk) => {
      this.queue.push({ chunk, due: performance.now() + this.options.delayMs() });
      this.queued += chunk.length;
      this.options.onChunk(chunk);
      this.pump();
    });
    source.on("end", () => this.finish("end"));
    source.on("close", (failed) => this.finish(failed ? "reset" : "end"));
    sink.on("drain", () => this.pump());
  }

  /** Passes on what may pass now, and the end of the connection after the last byte. */
  pump(): void {
    clearTimeout(this.timer);
    while (this.options.isOpen() && !this.sink.writableNeedDrain) {
      const next = this.queue[0];
      if (!next) break;
      const wait = next.due - performance.now();
      if (wait > 0) {
        this.timer = setTimeout(() => this.pump(), wait);
        break;
      }
      this.queue.shift();
      this.queued -= next.chunk.length;
      this.delivered += next.chunk.length;
      if (this.sink.writable) this.sink.write(next.chunk);
    }
    if (this.queued > highWater) this.source.pause();
    else this.source.resume();
    if (this.queue.length > 0 || !this.options.isOpen() || !this.ending) return;
    if (this.ending === "reset") this.sink.resetAndDestroy();
    else this.sink.end();
  }

  stop(): void {
    clearTimeout(this.timer);
  }

  private finish(how: "end" | "reset"): void {
    if (this.ending !== "reset") this.ending = how;
    this.pump();
  }
}
