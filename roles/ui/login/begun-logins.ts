import { AddressShares, type Clock, errors } from "@multimaster/core";

/** Lifetime of a row of a login in progress at a provider. */
const lifetimeMs = 10 * 60_000;
const maxOfAddress = 60;
const maxOfAll = 5_000;

/** A login in progress, with the key of its row once it has one. */
export class BegunLogin {
  readonly address: string;
  readonly endsAt: number;
  key: string | undefined;
  /** It was replaced by a newer login. */
  isReplaced = false;

  constructor(address: string, endsAt: number) {
    this.address = address;
    this.endsAt = endsAt;
  }
}

/**
 * Bounds the rows that visits of the login's address make, however often it is visited. An address has so many and no more.
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

  /** Registers a login, and returns the login that it replaces; throws if the address has too many. */
  begin(address: string): { begun: BegunLogin; replaced: BegunLogin | undefined } {
    const now = this.#clock.now();
    this.#forgetExpired(now);
    const own = this.#begun.itemsOf(address);
    const [oldest] = own;
    if (oldest !== undefined && own.size >= maxOfAddress)
      throw errors.tooManyBegunLogins(Math.ceil((oldest.endsAt - now) / 1000));
    const replaced = this.#begun.size >= maxOfAll ? this.#makeWay() : undefined;
    const begun = new BegunLogin(address, now + lifetimeMs);
    this.#begun.add(address, begun);
    this.#inOrder.add(begun);
    return { begun, replaced };
  }

  /** The login has returned, or never left. */
  end(begun: BegunLogin): void {
    this.#begun.delete(begun.address, begun);
    this.#inOrder.delete(begun);
  }

  /** Ends a login that returned to this master; logins of other masters are not known here. */
  endOf(key: string): void {
    for (const begun of this.#inOrder) if (begun.key === key) return this.end(begun);
  }

  #makeWay(): BegunLogin | undefined {
    const oldest = this.#begun.oldestOfLargest();
    if (oldest === undefined) return undefined;
    oldest.isReplaced = true;
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
