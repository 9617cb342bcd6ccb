import { type Clock, errors, groupOfAddress, networksOfAddress } from "@multimaster/core";

/** How long a failure counts. */
const windowMs = 5 * 60_000;
/** Maximum failures within that time: of an account from one address, and from one address. Then that address must wait. */
const limits = { "account and address": 5, address: 30 } as const;
/** The same of a network of IPv6, which has 65,536 of what counts as an address: one attacker mostly has it all. */
const limitOfNetwork = 300;
/**
 * After this many failures of one account, from any addresses, each further login of it is delayed, twice as long each time. It
 * is never refused for that: otherwise anyone could lock its user out.
 */
const freeFailures = 20;
const firstDelayMs = 250;
const longestDelayMs = 8_000;
/** Bounds the memory against an attacker with many addresses. */
const maxKept = 50_000;
/** Maximum number of delayed logins, of all accounts together, so that no attacker locks out one user. */
const maxDelayed = 1_000;

interface Failures {
  count: number;
  until: number;
}

/** Slows down password guessing. Each master counts alone: with n masters an attacker has n times as many guesses. */
export class LoginAttempts {
  #clock: Clock;
  #failures = new Map<string, Failures>();
  #delayed = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Waits or throws if too many logins have failed. The attempt counts as failed until `succeed`, so that parallel attempts
   * count too. An address with an earlier successful login to this account is neither delayed nor refused for other clients.
   */
  async begin(username: string, address: string): Promise<void> {
    const now = this.#clock.now();
    const keys = this.#keys(username, address);
    const isKnown = this.#failures.has(knownKey(username, address));
    for (const { key, limit, exemptsKnown } of keys) {
      if (exemptsKnown && isKnown) continue;
      const failed = this.#valid(key);
      if (failed && failed.count >= limit) throw errors.tooManyLogins(Math.ceil((failed.until - now) / 1000));
    }
    const account = accountKey(username);
    const delayMs = isKnown ? 0 : this.#delayOf(account);
    for (const key of [...keys.map((each) => each.key), account]) this.#count(key);
    this.#forget(now);
    if (delayMs > 0) await this.#wait(delayMs);
  }

  succeed(username: string, address: string): void {
    const [pair, ...wider] = this.#keys(username, address);
    // Knowing one password proves nothing about guesses for other accounts.
    if (pair) this.#failures.delete(pair.key);
    for (const key of [...wider.map((each) => each.key), accountKey(username)]) {
      const failed = this.#failures.get(key);
      if (failed) failed.count--;
    }
    this.#failures.set(knownKey(username, address), { count: 0, until: this.#clock.now() + 24 * 60 * 60_000 });
  }

  #delayOf(account: string): number {
    const beyond = (this.#valid(account)?.count ?? 0) - freeFailures;
    return beyond < 0 ? 0 : Math.min(firstDelayMs * 2 ** Math.min(beyond, 10), longestDelayMs);
  }

  async #wait(delayMs: number): Promise<void> {
    if (this.#delayed >= maxDelayed) throw errors.tooManyLogins(Math.ceil(delayMs / 1000));
    this.#delayed++;
    await this.#clock.sleep(delayMs);
    this.#delayed--;
  }

  #valid(key: string): Failures | undefined {
    const failed = this.#failures.get(key);
    return failed && failed.until > this.#clock.now() ? failed : undefined;
  }

  #count(key: string): void {
    const failed = this.#valid(key);
    if (failed) failed.count++;
    else this.#failures.set(key, { count: 1, until: this.#clock.now() + windowMs });
  }

  #keys(username: string, address: string) {
    const keys = (Object.entries(limits) as [keyof typeof limits, number][]).map(([what, limit]) => ({
      key: [what, what === "address" ? "" : username.slice(0, 255), groupOfAddress(address)].join("\n"),
      limit,
      exemptsKnown: false,
    }));
    const network = networkKey(address);
    if (network !== undefined) keys.push({ key: network, limit: limitOfNetwork, exemptsKnown: true });
    return keys;
  }

  #forget(now: number): void {
    if (this.#failures.size <= maxKept) return;
    for (const [key, { until }] of this.#failures) if (until <= now) this.#failures.delete(key);
    for (const key of this.#failures.keys()) {
      if (this.#failures.size <= maxKept) return;
      this.#failures.delete(key);
    }
  }
}

function accountKey(username: string): string {
  return `account\n${username.slice(0, 255)}`;
}

/** Undefined for IPv4: its neighbours are others. */
function networkKey(address: string): string | undefined {
  const [, narrow] = networksOfAddress(address);
  return narrow.includes(":") ? `network\n${narrow}` : undefined;
}

function knownKey(username: string, address: string): string {
  return `known\n${username.slice(0, 255)}\n${groupOfAddress(address)}`;
}
