/** What is used of a socket. */
interface Corkable {
  cork(): void;
  uncork(): void;
}

const corked = new WeakSet<Corkable>();

/**
 * What is written to the socket in this turn of the event loop leaves in one piece: statements of a pipeline then cost one
 * system call, and wake the server's process once.
 */
export function writeOnce(socket: Corkable): void {
  if (corked.has(socket)) return;
  corked.add(socket);
  socket.cork();
  const send = () => {
    corked.delete(socket);
    socket.uncork();
  };
  // After all that goes on in this turn has asked.
  void Promise.resolve().then(() => process.nextTick(send));
}
