import { type Clock, errors, groupOfAddress } from "@multimaster/core";

/** Each login that goes to a provider is a row for as long as it may take. */
const lifetimeMs = 10 * 60_000;
const maxOfAddress = 60;
const maxOfAll = 5_000;

/** A login that was begun, by the key of its row once it has one. */
export class BegunLogin {
  readonly group: string;
  readonly endsAt: number;
  key: string | undefined;
  /** Another one has its place. */
  hasMadeWay = false;

  constructor(group: string, endsAt: number) {
    this.group = group;
    this.endsAt = endsAt;
  }
}

/**
 * Bounds the rows that visits of the login's address make, whoever visits it how often. An address has so many and no more.
 * When there are as many as may be of all, the oldest one of the address with the most makes way: with many addresses, too,
 * strangers end their own logins and keep no one else from one.
 */
export class BegunLogins {
  readonly #clock: Pick<Clock, "now">;
  /** Of each address, the oldest first. */
  readonly #groups = new Map<string, Set<BegunLogin>>();
  #count = 0;

  constructor(clock: Pick<Clock, "now">) {
    this.#clock = clock;
  }

  /** Counts one more, and tells which one made way for it; throws when the address has too many. */
  begin(address: string): { begun: BegunLogin; madeWay: BegunLogin | undefined } {
    const now = this.#clock.now();
    const group = groupOfAddress(address);
    this.#forgetExpired(group, now);
    const [oldest] = this.#groups.get(group) ?? [];
    if (oldest !== undefined && (this.#groups.get(group)?.size ?? 0) >= maxOfAddress)
      throw errors.tooManyBegunLogins(Math.ceil((oldest.endsAt - now) / 1000));
    const madeWay = this.#count >= maxOfAll ? this.#makeWay(now) : undefined;
    const begun = new BegunLogin(group, now + lifetimeMs);
    this.#groups.set(group, (this.#groups.get(group) ?? new Set()).add(begun));
    this.#count++;
    return { begun, madeWay };
  }

  /** It came back, or never went. */
  end(begun: BegunLogin): void {
    const ofGroup = this.#groups.get(begun.group);
    if (!ofGroup?.delete(begun)) return;
    this.#count--;
    if (ofGroup.size === 0) this.#groups.delete(begun.group);
  }

  /** One that came back to this master; another master's is not known here. */
  endOf(key: string): void {
    for (const ofGroup of this.#groups.values())
      for (const begun of ofGroup) if (begun.key === key) return this.end(begun);
  }

  #makeWay(now: number): BegunLogin | undefined {
    for (const group of [...this.#groups.keys()]) this.#forgetExpired(group, now);
    if (this.#count < maxOfAll) return undefined;
    let most: ReadonlySet<BegunLogin> = new Set();
    for (const ofGroup of this.#groups.values()) if (ofGroup.size > most.size) most = ofGroup;
    const [oldest] = most;
    if (oldest === undefined) return undefined;
    oldest.hasMadeWay = true;
    this.end(oldest);
    return oldest;
  }

  #forgetExpired(group: string, now: number): void {
    for (const begun of this.#groups.get(group) ?? []) {
      if (begun.endsAt > now) return;
      this.end(begun);
    }
  }
}
