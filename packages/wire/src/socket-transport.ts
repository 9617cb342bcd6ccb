import type { Socket } from "node:net";
import type { Logger } from "@multimaster/core";
import type { WebSocket } from "ws";
import { FrameTime } from "./frame-time.ts";
import type { LinkEnd } from "./link-errors.ts";
import type { Transport, TransportReceiver } from "./transport.ts";

export interface SocketTransportOptions {
  log: Logger;
  /** Name of the other end, for the log. */
  peer: string;
  /** Interval of WebSocket pings. */
  pingMs?: number;
  /** The connection is cut when nothing was received for this long; a worker may be busy for half a minute. */
  deadMs?: number;
  /** What the WebSocket reads from: the connection is cut when one message does not end. Absent: a message may take any time. */
  reads?: Socket;
}

/** Bytes of a client's ping or pong beside its content. */
const controlHeadBytes = 6;

/** Backlog of bytes that the other end has not read: above the first, its requests are not read; below the second, again. */
const highBacklog = 16 * 1024 * 1024;
const lowBacklog = 4 * 1024 * 1024;

/** Timeout for the other end's answer to a close frame. */
const closeGraceMs = 3000;

/** A WebSocket as a transport: it pings, detects a silent peer, and never waits forever for a close. */
export function createSocketTransport(socket: WebSocket, options: SocketTransportOptions): Transport {
  const { log, peer, pingMs = 20_000, deadMs = 60_000, reads } = options;
  let heard = performance.now();
  const frame = new FrameTime();
  let paused = false;
  /** Since when the other end sends more requests than it reads answers. */
  let congestedSince: number | undefined;
  let lastError = "";
  /** The code of our own close, because a peer that breaks the protocol does not answer one. */
  let ownCode = 1006;
  let closeTimer: NodeJS.Timeout | undefined;
  const alive = (): void => {
    heard = performance.now();
  };
  const noteBacklog = (): void => {
    if (congestedSince !== undefined || socket.bufferedAmount <= highBacklog) return;
    congestedSince = performance.now();
    socket.pause();
  };
  const noteTaken = (): void => {
    if (congestedSince === undefined || socket.bufferedAmount > lowBacklog) return;
    congestedSince = undefined;
    alive();
    if (!paused) socket.resume();
  };
  const pingTimer = setInterval(() => {
    if (congestedSince !== undefined && performance.now() - congestedSince > deadMs) {
      lastError = `it read no answers for ${Math.round(deadMs / 1000)} s`;
      log.warn({ peer }, `${peer}: ${lastError}; the connection is cut`);
      socket.terminate();
      return;
    }
    // While this end does not read, it cannot see a pong: the silence is its own.
    if (paused || congestedSince !== undefined) {
      frame.reset();
      return alive();
    }
    const now = performance.now();
    const isSilent = now - heard > deadMs;
    if (isSilent || frame.isLate(now, deadMs)) {
      const what = isSilent ? "nothing was received" : "one message has not ended";
      lastError = `${what} for ${Math.round(deadMs / 1000)} s`;
      log.warn({ peer }, `${peer}: ${lastError}; the connection is cut`);
      socket.terminate();
    } else if (socket.readyState === socket.OPEN) socket.ping();
  }, pingMs);
  pingTimer.unref();

  function open(receiver: TransportReceiver): void {
    // Before the WebSocket itself, so that what follows says which of the bytes were a whole message.
    reads?.prependListener("data", (chunk: Buffer) => frame.take(chunk.length, performance.now()));
    const noteControl = (content: Buffer): void => {
      alive();
      frame.discount(controlHeadBytes + content.length);
    };
    socket.on("ping", (content) => {
      noteControl(content);
      noteBacklog();
    });
    socket.on("pong", noteControl);
    socket.on("message", (data, isBinary) => {
      alive();
      frame.reset();
      if (!isBinary)
        return receiver.onViolation(1003, "a text message was received where only binary messages are allowed");
      receiver.onFrame(toBytes(data));
    });
    socket.on("error", (error: Error & { code?: string }) => {
      lastError = describeSocketError(error);
      ownCode = error.code === "WS_ERR_UNSUPPORTED_MESSAGE_LENGTH" ? 1009 : ownCode;
      log.warn({ peer }, `${peer}: ${lastError}`);
    });
    socket.on("close", (code, reason) => {
      clearInterval(pingTimer);
      clearTimeout(closeTimer);
      const end: LinkEnd = { code: code === 1006 ? ownCode : code, reason: reason.toString() || lastError };
      receiver.onClose(end);
    });
  }

  return {
    open,
    send(frame) {
      if (socket.readyState !== socket.OPEN) return;
      socket.send(frame, noteTaken);
      noteBacklog();
    },
    close(code, reason) {
      if (paused || congestedSince !== undefined) socket.resume();
      paused = false;
      congestedSince = undefined;
      socket.close(code, reason);
      closeTimer ??= setTimeout(() => socket.terminate(), closeGraceMs);
    },
    terminate() {
      socket.terminate();
    },
    pause() {
      paused = true;
      socket.pause();
    },
    resume() {
      paused = false;
      alive();
      if (congestedSince === undefined) socket.resume();
    },
  };
}

function toBytes(data: Buffer | ArrayBuffer | Buffer[]): Uint8Array {
  if (Array.isArray(data)) return Buffer.concat(data);
  return data instanceof ArrayBuffer ? new Uint8Array(data) : data;
}

function describeSocketError(error: Error & { code?: string }): string {
  if (error.code === "WS_ERR_UNSUPPORTED_MESSAGE_LENGTH")
    return "a message is larger than allowed; the connection is closed";
  if (error.code?.startsWith("WS_ERR_") === true)
    return `a WebSocket frame is invalid (${error.message}); the connection is closed`;
  return `the connection broke (${error.message})`;
}
