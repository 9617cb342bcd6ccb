import { type Clock, errors, groupOfAddress } from "@multimaster/core";

/** Lifetime of a row of a login in progress at a provider. */
const lifetimeMs = 10 * 60_000;
const maxOfAddress = 60;
const maxOfAll = 5_000;

/** A login in progress, with the key of its row once it has one. */
export class BegunLogin {
  readonly group: string;
  readonly endsAt: number;
  key: string | undefined;
  /** It was replaced by a newer login. */
  isReplaced = false;

  constructor(group: string, endsAt: number) {
    this.group = group;
    this.endsAt = endsAt;
  }
}

/**
 * Bounds the number of rows that visits of the login URL create. Each address has a limit. At the limit for all, the oldest
 * login of the address with the most is replaced: even with many addresses, strangers end their own logins and prevent no
 * other.
 */
export class BegunLogins {
  readonly #clock: Pick<Clock, "now">;
  /** By address, the oldest login first. */
  readonly #groups = new Map<string, Set<BegunLogin>>();
  #count = 0;

  constructor(clock: Pick<Clock, "now">) {
    this.#clock = clock;
  }

  /** Registers a login, and returns the login that it replaces; throws if the address has too many. */
  begin(address: string): { begun: BegunLogin; replaced: BegunLogin | undefined } {
    const now = this.#clock.now();
    const group = groupOfAddress(address);
    this.#forgetExpired(group, now);
    const [oldest] = this.#groups.get(group) ?? [];
    if (oldest !== undefined && (this.#groups.get(group)?.size ?? 0) >= maxOfAddress)
      throw errors.tooManyBegunLogins(Math.ceil((oldest.endsAt - now) / 1000));
    const replaced = this.#count >= maxOfAll ? this.#makeWay(now) : undefined;
    const begun = new BegunLogin(group, now + lifetimeMs);
    this.#groups.set(group, (this.#groups.get(group) ?? new Set()).add(begun));
    this.#count++;
    return { begun, replaced };
  }

  /** The login has returned, or never left. */
  end(begun: BegunLogin): void {
    const ofGroup = this.#groups.get(begun.group);
    if (!ofGroup?.delete(begun)) return;
    this.#count--;
    if (ofGroup.size === 0) this.#groups.delete(begun.group);
  }

  /** Ends a login that returned to this master; logins of other masters are not known here. */
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
    oldest.isReplaced = true;
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
