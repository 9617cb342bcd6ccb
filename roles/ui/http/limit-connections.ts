import type { Server } from "node:http";
import type { Socket } from "node:net";
import { AddressShares } from "@multimaster/core";

/** A socket that was closed has no address any more. */
interface OpenConnection {
  readonly address: string;
  readonly socket: Socket;
}

/**
 * Cuts connections of an address that has as many as it may have, before a byte of them is read. Where all addresses
 * together have `most`, the oldest connection of the network and address with the most makes way for a new one. Connections
 * of addresses that may have any number are not counted.
 */
export function limitConnections(server: Server, maxOf: (address: string) => number, most: number): void {
  const open = new AddressShares<OpenConnection>();
  const seen = new WeakSet<Socket>();
  const forget = (connection: OpenConnection) => open.delete(connection.address, connection);
  server.on("connection", (socket: Socket) => {
    // A request that offered to upgrade is emitted again with the same connection.
    if (seen.has(socket)) return;
    seen.add(socket);
    const address = socket.remoteAddress ?? "";
    const max = maxOf(address);
    if (max === Number.POSITIVE_INFINITY) return;
    if (open.itemsOf(address).size >= max) return void socket.destroy();
    const oldest = open.size >= most ? open.oldestOfLargest() : undefined;
    if (oldest !== undefined) {
      // Not only when it has closed: many may come before that.
      forget(oldest);
      oldest.socket.destroy();
    }
    const connection = { address, socket };
    open.add(address, connection);
    socket.once("close", () => forget(connection));
  });
}
