import type { Wakeup } from "./wakeup.ts";

/**
 * Wake-ups, each topic once, oldest first; the newer of two on one topic stands for both. Where there is no room, the
 * oldest makes some: its receivers poll.
 */
export class WakeupList {
  #max: number;
  #entries = new Map<string, { wakeup: Wakeup; at: number }>();

  constructor(max: number) {
    this.#max = max;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Returns false if another one was dropped for it. */
  add(wakeup: Wakeup, at = 0): boolean {
    const text = wakeup.key.join(".");
    this.#entries.delete(text);
    this.#entries.set(text, { wakeup, at });
    if (this.#entries.size <= this.#max) return true;
    this.#entries.delete(this.#entries.keys().next().value as string);
    return false;
  }

  /** Removes and returns the first ones. */
  take(count: number): Wakeup[] {
    const taken: Wakeup[] = [];
    for (const [text, { wakeup }] of this.#entries) {
      if (taken.length === count) break;
      this.#entries.delete(text);
      taken.push(wakeup);
    }
    return taken;
  }

  /** Removes those that are older. */
  forgetBefore(time: number): void {
    for (const [text, { at }] of this.#entries) {
      if (at >= time) return;
      this.#entries.delete(text);
    }
  }

  all(): Wakeup[] {
    return [...this.#entries.values()].map(({ wakeup }) => wakeup);
  }
}
