import type { Socket } from "node:net";

/** HTTP and TLS clients speak immediately; a worker with the pb protocol waits for the master. */
const patienceMs = 400;

/**
 * Waits a moment for the first byte of a client, which stays in the socket. Calls `onSilence` if none has come: whoever waits
 * for the master's words gets them.
 */
export function waitForFirstByte(socket: Socket, onSpoke: () => void, onSilence: () => void): void {
  const ignoreError = () => undefined;
  const timer = setTimeout(() => finish(onSilence), patienceMs);
  const onData = (chunk: Buffer) => {
    socket.pause();
    socket.unshift(chunk);
    finish(onSpoke);
    socket.resume();
  };
  const onEnd = () => finish(() => socket.destroy());
  socket.on("error", ignoreError);
  socket.once("data", onData);
  socket.once("end", onEnd);
  socket.once("close", onEnd);

  function finish(next: () => void): void {
    clearTimeout(timer);
    socket.off("data", onData);
    socket.off("end", onEnd);
    socket.off("close", onEnd);
    next();
  }
}
