import { AddressShares, type Clock, errors } from "@multimaster/core";

/** Each login that goes to a provider is a row for as long as it may take. */
const lifetimeMs = 10 * 60_000;
const maxOfAddress = 60;
const maxOfAll = 5_000;

/** A login that was begun, by the key of its row once it has one. */
export class BegunLogin {
  readonly address: string;
  readonly endsAt: number;
  key: string | undefined;
  /** Another one has its place. */
  hasMadeWay = false;

  constructor(address: string, endsAt: number) {
    this.address = address;
    this.endsAt = endsAt;
  }
}

/**
 * Bounds the rows that visits of the login's address make, whoever visits it how often. An address has so many and no more.
 * When there are as many as may be of all, the oldest one of the network and address with the most makes way: with many
 * addresses, too, strangers end their own logins and keep no one else from one.
 */
export class BegunLogins {
  readonly #clock: Pick<Clock, "now">;
  readonly #begun = new AddressShares<BegunLogin>();
  /** The oldest first, so the next to expire. */
  readonly #inOrder = new Set<BegunLogin>();

  constructor(clock: Pick<Clock, "now">) {
    this.#clock = clock;
  }

  /** Counts one more, and tells which one made way for it; throws when the address has too many. */
  begin(address: string): { begun: BegunLogin; madeWay: BegunLogin | undefined } {
    const now = this.#clock.now();
    this.#forgetExpired(now);
    const own = this.#begun.itemsOf(address);
    const [oldest] = own;
    if (oldest !== undefined && own.size >= maxOfAddress)
      throw errors.tooManyBegunLogins(Math.ceil((oldest.endsAt - now) / 1000));
    const madeWay = this.#begun.size >= maxOfAll ? this.#makeWay() : undefined;
    const begun = new BegunLogin(address, now + lifetimeMs);
    this.#begun.add(address, begun);
    this.#inOrder.add(begun);
    return { begun, madeWay };
  }

  /** It came back, or never went. */
  end(begun: BegunLogin): void {
    this.#begun.delete(begun.address, begun);
    this.#inOrder.delete(begun);
  }

  /** One that came back to this master; another master's is not known here. */
  endOf(key: string): void {
    for (const begun of this.#inOrder) if (begun.key === key) return this.end(begun);
  }

  #makeWay(): BegunLogin | undefined {
    const oldest = this.#begun.oldestOfLargest();
    if (oldest === undefined) return undefined;
    oldest.hasMadeWay = true;
    this.end(oldest);
    return oldest;
  }

  #forgetExpired(now: number): void {
    for (const begun of this.#inOrder) {
      if (begun.endsAt > now) return;
      this.end(begun);
    }
  }
}
