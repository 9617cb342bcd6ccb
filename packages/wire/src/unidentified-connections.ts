import type { Socket } from "node:net";
import { AddressShares } from "@multimaster/core";

/**
 * Bounds the connections that are not yet known to be a worker's: silent clients must not use up the sockets that workers, the
 * database and the router need. Beyond the limit, the oldest one of the network and address with the most is closed.
 */
export class UnidentifiedConnections {
  readonly #max: number;
  readonly #shares = new AddressShares<Socket>();
  /** A socket that was closed has no address any more. */
  readonly #addresses = new Map<Socket, string>();

  constructor(max: number) {
    this.#max = max;
  }

  add(socket: Socket): void {
    const address = socket.remoteAddress ?? "";
    this.#shares.add(address, socket);
    this.#addresses.set(socket, address);
    socket.once("close", () => this.delete(socket));
    if (this.#shares.size <= this.#max) return;
    const oldest = this.#shares.oldestOfLargest();
    if (oldest === undefined) return;
    // Before it has closed, because more may come before that.
    this.delete(oldest);
    oldest.destroy();
  }

  /** A balancer has named the client's address: the connection counts for that one, if it still counts. */
  rename(socket: Socket, address: string): void {
    const before = this.#addresses.get(socket);
    if (before === undefined) return;
    this.#shares.delete(before, socket);
    this.#shares.add(address, socket);
    this.#addresses.set(socket, address);
  }

  /** The connection has ended, or is a worker's. */
  delete(socket: Socket): void {
    this.#shares.delete(this.#addresses.get(socket) ?? "", socket);
    this.#addresses.delete(socket);
  }
}
