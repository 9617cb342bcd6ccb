import type { Server } from "node:http";
import type { Socket } from "node:net";

/** Cuts connections of an address that has as many as it may have, before a byte of them is read. */
export function limitConnections(server: Server, maxOf: (address: string) => number): void {
  const open = new Map<string, number>();
  const seen = new WeakSet<Socket>();
  server.on("connection", (socket: Socket) => {
    // A request that offered to upgrade comes in once more over the same connection.
    if (seen.has(socket)) return;
    seen.add(socket);
    const address = socket.remoteAddress ?? "";
    const count = (open.get(address) ?? 0) + 1;
    if (count > maxOf(address)) return void socket.destroy();
    open.set(address, count);
    socket.once("close", () => {
      const left = (open.get(address) ?? 1) - 1;
      if (left > 0) open.set(address, left);
      else open.delete(address);
    });
  });
}
