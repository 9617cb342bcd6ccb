import { networksOfAddress } from "./address-group.ts";
import { OldestFirst } from "./oldest-first.ts";

/** Items have an identity. */
type Item = object | string | number;

/** A network: how many items it has, and the networks within it. Only the innermost one, of a single share, has items itself. */
interface Network<T extends Item> {
  size: number;
  readonly within: Map<string, Network<T>>;
  /** The networks within, by their size, so that finding the largest needs no search. */
  readonly bySize: Map<number, OldestFirst<Network<T>>>;
  sizeOfLargest: number;
  readonly items: OldestFirst<T>;
}

/**
 * What each address has of something scarce. Where there is too much of it, the network that has the most loses its oldest
 * item: one client with many addresses cannot push out others.
 */
export class AddressShares<T extends Item> {
  readonly #all = createNetwork<T>();

  get size(): number {
    return this.#all.size;
  }

  add(address: string, item: T): void {
    if (this.itemsOf(address).has(item)) return;
    const path = [this.#all];
    let network = this.#all;
    for (const key of networksOfAddress(address)) {
      const inner = network.within.get(key) ?? createNetwork<T>();
      network.within.set(key, inner);
      path.push(inner);
      network = inner;
    }
    network.items.add(item);
    resize(path, 1);
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
    resize(path, -1);
    for (const [i, key] of keys.entries()) if (path[i + 1]?.size === 0) path[i]?.within.delete(key);
    return true;
  }

  /** What the address has, the oldest first. */
  itemsOf(address: string): ReadonlySet<T> {
    let network: Network<T> | undefined = this.#all;
    for (const key of networksOfAddress(address)) network = network?.within.get(key);
    return network?.items.items ?? new Set();
  }

  /** The oldest item of the widest network that has the most, and within it of the narrower ones, down to one address. */
  oldestOfLargest(): T | undefined {
    let network: Network<T> | undefined = this.#all;
    while (network !== undefined && network.sizeOfLargest > 0)
      network = network.bySize.get(network.sizeOfLargest)?.oldest;
    return network?.items.oldest;
  }
}

function createNetwork<T extends Item>(): Network<T> {
  return { size: 0, within: new Map(), bySize: new Map(), sizeOfLargest: 0, items: new OldestFirst() };
}

/** Adds one item to each network of a path, or removes one; the path starts with the widest network. */
function resize<T extends Item>(path: readonly Network<T>[], by: 1 | -1): void {
  for (const [i, network] of path.entries()) {
    const parent = path[i - 1];
    const before = network.size;
    network.size += by;
    if (parent === undefined) continue;
    const { bySize } = parent;
    const equals = bySize.get(before);
    equals?.delete(network);
    if (equals?.items.size === 0) bySize.delete(before);
    if (network.size > 0) {
      const others = bySize.get(network.size) ?? new OldestFirst();
      bySize.set(network.size, others);
      others.add(network);
    }
    if (network.size > parent.sizeOfLargest) parent.sizeOfLargest = network.size;
    else if (!bySize.has(parent.sizeOfLargest)) parent.sizeOfLargest -= 1;
  }
}
