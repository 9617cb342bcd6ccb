import { type Clock, errors } from "@multimaster/core";

/** Within this time so many logins may fail: of an account from one address, from one address, and of an account at all. */
const windowMs = 5 * 60_000;
const limits = { "account and address": 5, address: 30, account: 100 } as const;
/** An attacker with many addresses must not fill the memory. */
const maxKept = 50_000;

/** Slows guessing down. Kept by each master for itself: with n of them an attacker has n times as many guesses. */
export class LoginAttempts {
  #clock: Clock;
  #failures = new Map<string, { count: number; until: number }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Throws while too many have failed. Counts as failed until `succeed` says otherwise, so that none run beside the count. */
  begin(username: string, address: string): void {
    const now = this.#clock.now();
    const keys = this.#keys(username, address);
    for (const [key, limit] of keys) {
      const failed = this.#failures.get(key);
      if (failed && failed.until > now && failed.count >= limit)
        throw errors.tooManyLogins(Math.ceil((failed.until - now) / 1000));
    }
    for (const [key] of keys) {
      const failed = this.#failures.get(key);
      if (failed && failed.until > now) failed.count++;
      else this.#failures.set(key, { count: 1, until: now + windowMs });
    }
    this.#forget(now);
  }

  succeed(username: string, address: string): void {
    for (const [key, , what] of this.#keys(username, address)) {
      const failed = this.#failures.get(key);
      if (!failed) continue;
      // Knowing one password says nothing about guesses of others.
      if (what === "account and address") this.#failures.delete(key);
      else failed.count--;
    }
  }

  #keys(username: string, address: string) {
    const account = username.slice(0, 255);
    return (Object.entries(limits) as [keyof typeof limits, number][]).map(([what, limit]) => {
      const key = [what, what === "address" ? "" : account, what === "account" ? "" : address].join("\n");
      return [key, limit, what] as const;
    });
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
