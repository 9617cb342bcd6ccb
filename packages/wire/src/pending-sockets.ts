import type { Socket } from "node:net";
import { groupOfAddress } from "@multimaster/core";

type Peer = Pick<Socket, "remoteAddress">;

/** Counts, by address, the connections of which nobody knows yet whose they are. */
export class PendingSockets {
  readonly #max: number;
  readonly #groups = new Map<Peer, string>();
  readonly #counts = new Map<string, number>();

  /** `max`: how many of them one address may have. */
  constructor(max: number) {
    this.#max = max;
  }

  /** False: the address has as many as it may have. Who is on this machine, such as a balancer, is not counted. */
  add(socket: Peer): boolean {
    const group = groupOfAddress(socket.remoteAddress ?? "");
    if (/^127\.|^0:0:0:0$/.test(group)) return true;
    const count = (this.#counts.get(group) ?? 0) + 1;
    if (count > this.#max) return false;
    this.#groups.set(socket, group);
    this.#counts.set(group, count);
    return true;
  }

  /** It is known whose it is, or it has ended. */
  remove(socket: Peer): void {
    const group = this.#groups.get(socket);
    if (group === undefined) return;
    this.#groups.delete(socket);
    const left = (this.#counts.get(group) ?? 1) - 1;
    if (left > 0) this.#counts.set(group, left);
    else this.#counts.delete(group);
  }
}
