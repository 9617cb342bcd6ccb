/** Of a topic, or of a pattern of topics. */
type Parts = readonly (string | null)[];

const slots = 1024;

/**
 * Counts the subscriptions of a bus that has no other process behind it, so that what no one hears need not be made. All
 * threads of the process share the counters: a subscription counts for each of them before it is in effect, and no thread
 * has to be asked. So whoever finds no interest after a commit knows that a later subscriber reads what was committed.
 */
export class Interest {
  readonly counters: SharedArrayBuffer;
  readonly #counts: Int32Array;

  constructor(counters = new SharedArrayBuffer(slots * Int32Array.BYTES_PER_ELEMENT)) {
    this.counters = counters;
    this.#counts = new Int32Array(counters);
  }

  add(pattern: Parts): void {
    Atomics.add(this.#counts, slotOf(pattern.length, pattern[0], pattern.at(-1)), 1);
  }

  remove(pattern: Parts): void {
    Atomics.sub(this.#counts, slotOf(pattern.length, pattern[0], pattern.at(-1)), 1);
  }

  /**
   * Whether a subscriber may hear a key that begins and ends like this one; the parts between do not matter. Never false
   * if there is a subscriber.
   */
  has(key: Parts): boolean {
    const { length } = key;
    const [first] = key;
    const last = key.at(-1);
    return (
      this.#isUsed(length, first, last) ||
      this.#isUsed(length, null, last) ||
      this.#isUsed(length, first, null) ||
      this.#isUsed(length, null, null)
    );
  }

  #isUsed(length: number, first: string | null | undefined, last: string | null | undefined): boolean {
    return Atomics.load(this.#counts, slotOf(length, first, last)) > 0;
  }
}

/** Different patterns may share a slot: then something is published that no one hears. */
function slotOf(length: number, first: string | null | undefined, last: string | null | undefined): number {
  return hash(last ?? "*", hash(first ?? "*", length)) & (slots - 1);
}

function hash(text: string, seed: number): number {
  let value = seed;
  for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), 16_777_619);
  return value ^ (value >>> 15);
}
