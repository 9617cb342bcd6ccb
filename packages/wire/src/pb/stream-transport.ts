import type { Socket } from "node:net";
import type { Logger } from "@multimaster/core";
import type { Transport, TransportReceiver } from "../transport.ts";

/** Backlog of bytes that the other end has not read: above the first, its calls are not read; below the second, again. */
const highBacklog = 16 * 1024 * 1024;
const lowBacklog = 4 * 1024 * 1024;
/** Timeout for the other end of a connection that was closed here. */
const closeGraceMs = 3000;

/** A byte stream as a transport: its frames are pieces of any size. */
export interface StreamTransport extends Transport {
  /** Since when nothing has arrived, by `performance.now()`; the time when this end does not read does not count. */
  readonly heardAt: number;
  /** This end reads what arrives. */
  readonly isReading: boolean;
  /** Since when the other end does not read what is sent to it. */
  readonly congestedAt: number | undefined;
}

/** A socket as a transport; the owner of the connection ends it. */
export function createStreamTransport(socket: Socket, { log, peer }: { log: Logger; peer(): string }): StreamTransport {
  let heardAt = performance.now();
  let congestedAt: number | undefined;
  let paused = false;
  let lastError = "";
  let closeTimer: NodeJS.Timeout | undefined;
  let corked = false;
  socket.setNoDelay(true);
  socket.setKeepAlive(true, 60_000);

  function open(receiver: TransportReceiver): void {
    socket.on("data", (chunk: Buffer) => {
      heardAt = performance.now();
      receiver.onFrame(chunk);
    });
    socket.on("error", (error) => {
      lastError = `the connection broke (${error.message})`;
      log.debug({ peer: peer() }, `${peer()}: ${lastError}`);
    });
    socket.on("drain", () => {
      if (congestedAt === undefined || socket.writableLength > lowBacklog) return;
      congestedAt = undefined;
      heardAt = performance.now();
      if (!paused) socket.resume();
    });
    // The port may keep connections whose client has sent its last byte: this protocol has nothing more to say to it.
    socket.once("end", () => socket.end());
    socket.once("close", () => {
      clearTimeout(closeTimer);
      receiver.onClose({ code: lastError === "" ? 1000 : 1006, reason: lastError });
    });
  }

  /** The answers to one received chunk leave in one packet: small ones sent singly would wait for acknowledgements. */
  function cork(): void {
    if (corked) return;
    corked = true;
    socket.cork();
    setImmediate(() => {
      corked = false;
      socket.uncork();
    });
  }

  return {
    open,
    get heardAt() {
      return this.isReading ? heardAt : performance.now();
    },
    get isReading() {
      return !paused && congestedAt === undefined;
    },
    get congestedAt() {
      return congestedAt;
    },
    send(bytes) {
      if (!socket.writable) return;
      cork();
      socket.write(bytes);
      if (congestedAt !== undefined || socket.writableLength <= highBacklog) return;
      congestedAt = performance.now();
      socket.pause();
    },
    close() {
      paused = false;
      congestedAt = undefined;
      // What still arrives is read, so that the end is seen.
      socket.resume();
      socket.end();
      closeTimer ??= setTimeout(() => socket.destroy(), closeGraceMs);
    },
    terminate() {
      socket.destroy();
    },
    pause() {
      paused = true;
      socket.pause();
    },
    resume() {
      paused = false;
      heardAt = performance.now();
      if (congestedAt === undefined) socket.resume();
    },
  };
}
