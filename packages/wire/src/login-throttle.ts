import { groupOfAddress } from "@multimaster/core";

/** The number of consecutive failures that are answered, and how long each of them counts. */
const byName = { burst: 10, refillMs: 5000 };
const byAddress = { burst: 100, refillMs: 100 };
/** Maximum number of addresses, and of names at an address, that are remembered. */
const maxEntries = 10_000;

interface Bucket {
  failures: number;
  at: number;
}

/**
 * Slows down password guessing. Failures count per address, and per name at an address: many workers may connect through one
 * balancer, and one with a wrong password must not lock the others out. A name that has logged in from the same address
 * before is always checked.
 */
export class LoginThrottle {
  #now: () => number;
  #addresses = new Map<string, Bucket>();
  #names = new Map<string, Bucket>();
  #known = new Map<string, true>();

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** Whether the password of this attempt is to be checked. */
  admits(address: string, name: string): boolean {
    const from = groupOfAddress(address);
    const key = `${from} ${name}`;
    if (this.#left(this.#names.get(key), byName) < 1 && !this.#known.has(key)) return false;
    return this.#known.has(key) || this.#left(this.#addresses.get(from), byAddress) >= 1;
  }

  failed(address: string, name: string): void {
    const from = groupOfAddress(address);
    this.#count(this.#addresses, from, byAddress);
    this.#count(this.#names, `${from} ${name}`, byName);
    // A known worker whose new password is wrong is no longer known.
    this.#known.delete(`${from} ${name}`);
  }

  succeeded(address: string, name: string): void {
    const key = `${groupOfAddress(address)} ${name}`;
    this.#names.delete(key);
    remember(this.#known, key, true);
  }

  /** For tests: entries in memory. */
  get size(): number {
    return this.#addresses.size + this.#names.size + this.#known.size;
  }

  #count(buckets: Map<string, Bucket>, key: string, limit: { burst: number; refillMs: number }): void {
    const bucket = buckets.get(key);
    const failures = limit.burst - this.#left(bucket, limit) + 1;
    remember(buckets, key, { failures, at: this.#now() });
  }

  #left(bucket: Bucket | undefined, { burst, refillMs }: { burst: number; refillMs: number }): number {
    if (bucket === undefined) return burst;
    const forgiven = (this.#now() - bucket.at) / refillMs;
    return burst - Math.max(0, bucket.failures - forgiven);
  }
}

/** Adds an entry; at the limit it removes the oldest. */
function remember<T>(entries: Map<string, T>, key: string, value: T): void {
  entries.delete(key);
  entries.set(key, value);
  if (entries.size <= maxEntries) return;
  for (const oldest of entries.keys()) {
    entries.delete(oldest);
    return;
  }
}
