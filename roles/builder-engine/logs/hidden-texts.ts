import { findGreatest } from "@multimaster/core";
import type { Hidden } from "./hidden-forms.ts";

/** How far into hidden texts what was read leads: a node of the tree of all of them. */
export type Place = number;
export const nowhere: Place = 0;

/**
 * Finds any of many texts in one pass, however many there are: a tree of their beginnings, in which each node knows where
 * to go on when its text does not (Aho and Corasick).
 */
export class HiddenTexts {
  readonly longest: number;
  /** By character code: whether a hidden text begins with it. */
  readonly begins = new Uint8Array(65_536);
  readonly #hidden: readonly Hidden[];
  #next = new Map<number, Place>();
  #depth: number[] = [0];
  #fallback: Place[] = [nowhere];
  /** The longest hidden text that ends at a node, or -1. */
  #found: number[] = [-1];

  constructor(hidden: readonly Hidden[]) {
    this.#hidden = hidden;
    this.longest = findGreatest(hidden, ({ text }) => text.length) ?? 0;
    const parents: { parent: Place; code: number }[] = [{ parent: nowhere, code: 0 }];
    for (const [i, { text }] of hidden.entries()) {
      let at = nowhere;
      for (let k = 0; k < text.length; k += 1) {
        const code = text.charCodeAt(k);
        let next = this.#next.get(at * 65_536 + code);
        if (next === undefined) {
          next = parents.push({ parent: at, code }) - 1;
          this.#next.set(at * 65_536 + code, next);
          this.#depth.push(k + 1);
          this.#found.push(-1);
          this.#fallback.push(nowhere);
        }
        at = next;
      }
      this.#found[at] = i;
      this.begins[text.charCodeAt(0)] = 1;
    }
    // Parents first: a fallback is always nearer to the root.
    const byDepth = parents.map((_, at) => at).sort((a, b) => this.depthOf(a) - this.depthOf(b));
    for (const at of byDepth) {
      const { parent, code } = parents[at] as { parent: Place; code: number };
      if (this.depthOf(at) > 1) this.#fallback[at] = this.step(this.#fallback[parent] as Place, code);
      if (this.#found[at] === -1) this.#found[at] = this.#found[this.#fallback[at] as Place] as number;
    }
  }

  /** Where one more character leads. */
  step(from: Place, code: number): Place {
    for (let at = from; ; at = this.#fallback[at] as Place) {
      const next = this.#next.get(at * 65_536 + code);
      if (next !== undefined) return next;
      if (at === nowhere) return nowhere;
    }
  }

  /**
   * The text without what may be the beginning of a hidden text that was cut off: at its end, and before each "…". Shorter
   * beginnings than `least` may be anything.
   */
  hideCut(text: string, least: number): string {
    let shown = "";
    let from = 0;
    let at: Place = nowhere;
    for (let i = 0; i <= text.length; i += 1) {
      const depth = this.depthOf(at);
      if (depth >= least && (i === text.length || text[i] === "…")) {
        shown += `${text.slice(from, i - depth)}<secret>`;
        from = i;
      }
      if (i < text.length) at = this.step(at, text.charCodeAt(i));
    }
    return shown + text.slice(from);
  }

  /** How many of the last characters may be the beginning of a hidden text. */
  depthOf(at: Place): number {
    return this.#depth[at] as number;
  }

  /** The longest hidden text that ends here. */
  foundAt(at: Place): Hidden | undefined {
    return this.#hidden[this.#found[at] as number];
  }
}
