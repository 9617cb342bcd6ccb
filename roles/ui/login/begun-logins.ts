import { type Clock, errors, groupOfAddress } from "@multimaster/core";

/** Each login that goes to a provider is a row for as long as it may take. */
const windowMs = 10 * 60_000;
const maxOfAddress = 60;
const maxOfAll = 5_000;

/** Bounds the rows that visits of the login's address make, whoever visits it how often. */
export class BegunLogins {
  readonly #clock: Pick<Clock, "now">;
  #endsAt = 0;
  #all = 0;
  #perAddress = new Map<string, number>();

  constructor(clock: Pick<Clock, "now">) {
    this.#clock = clock;
  }

  /** Counts one more; throws when there are too many. */
  take(address: string): void {
    const now = this.#clock.now();
    if (now >= this.#endsAt) {
      this.#endsAt = now + windowMs;
      this.#all = 0;
      this.#perAddress.clear();
    }
    const group = groupOfAddress(address);
    const count = (this.#perAddress.get(group) ?? 0) + 1;
    if (count > maxOfAddress || this.#all >= maxOfAll)
      throw errors.tooManyBegunLogins(Math.ceil((this.#endsAt - now) / 1000));
    this.#perAddress.set(group, count);
    this.#all++;
  }
}
