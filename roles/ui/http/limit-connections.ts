import type { Server } from "node:http";
import type { Socket } from "node:net";
import { groupOfAddress } from "@multimaster/core";

/** Cuts a connection of an address that has reached its limit, before any byte is read. */
export function limitConnections(server: Server, maxOf: (address: string) => number): void {
  const open = new Map<string, number>();
  const seen = new WeakSet<Socket>();
  server.on("connection", (socket: Socket) => {
    // A request that offered to upgrade is emitted again with the same connection.
    if (seen.has(socket)) return;
    seen.add(socket);
    const address = socket.remoteAddress ?? "";
    const group = groupOfAddress(address);
    const count = (open.get(group) ?? 0) + 1;
    if (count > maxOf(address)) return void socket.destroy();
    open.set(group, count);
    socket.once("close", () => {
      const left = (open.get(group) ?? 1) - 1;
      if (left > 0) open.set(group, left);
      else open.delete(group);
    });
  });
}
