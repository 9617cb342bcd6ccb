import { networksOfAddress } from "./address-group.ts";

/** A network: how many items it has, and those within it. Only the innermost one, of a single share, has items itself. */
interface Network<T> {
  size: number;
  readonly within: Map<string, Network<T>>;
  readonly items: Set<T>;
}

/** What each address has of something that is scarce, so that who has most of it loses some where there is too much. */
export class AddressShares<T> {
  readonly #all = createNetwork<T>();

  get size(): number {
    return this.#all.size;
  }

  add(address: string, item: T): void {
    let network = this.#all;
    network.size++;
    for (const key of networksOfAddress(address)) {
      const inner = network.within.get(key) ?? createNetwork<T>();
      network.within.set(key, inner);
      inner.size++;
      network = inner;
    }
    network.items.add(item);
  }

  /** False: the address does not have it. */
  delete(address: string, item: T): boolean {
    const keys = networksOfAddress(address);
    const path = [this.#all];
    for (const key of keys) {
      const inner = path.at(-1)?.within.get(key);
      if (inner === undefined) return false;
      path.push(inner);
    }
    if (path.at(-1)?.items.delete(item) !== true) return false;
    for (const [i, network] of path.entries()) {
      network.size--;
      const key = keys[i];
      if (key !== undefined && network.within.get(key)?.size === 1) network.within.delete(key);
    }
    return true;
  }

  /** What the address has, the oldest first. */
  itemsOf(address: string): ReadonlySet<T> {
    let network: Network<T> | undefined = this.#all;
    for (const key of networksOfAddress(address)) network = network?.within.get(key);
    return network?.items ?? new Set();
  }

  /**
   * The oldest item of the address that has the most: of the widest network with the most, and within it so on, so that many
   * addresses of one network count together. One who has them all cannot push out others.
   */
  oldestOfLargest(): T | undefined {
    let network: Network<T> | undefined = this.#all;
    while (network !== undefined && network.items.size === 0) network = largestOf(network.within.values());
    const [oldest] = network?.items ?? [];
    return oldest;
  }
}

function createNetwork<T>(): Network<T> {
  return { size: 0, within: new Map(), items: new Set() };
}

function largestOf<T>(networks: Iterable<Network<T>>): Network<T> | undefined {
  let largest: Network<T> | undefined;
  for (const network of networks) if (network.size > (largest?.size ?? 0)) largest = network;
  return largest;
}
