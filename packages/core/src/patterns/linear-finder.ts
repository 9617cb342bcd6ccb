import { edge, type Instruction, type Neighbour, type PatternProgram } from "./pattern-program.ts";

/** Where a text has what an expression describes, from one position to before another. */
export interface Found {
  readonly from: number;
  readonly to: number;
}

/** A way through the program that began at a position of the text. */
interface Way {
  readonly at: number;
  readonly from: number;
}

/**
 * Finds where an expression occurs: the same places as `RegExp`, in time proportional to the text times the expression for
 * each. All ways are followed in parallel, the preferred ones first.
 */
export class LinearFinder {
  readonly #program: PatternProgram;
  /** Whether an atom fits an ASCII character: 0 is unknown. */
  readonly #ascii = new Map<number, Uint8Array>();
  #effort = 0;

  constructor(program: PatternProgram) {
    this.#program = program;
  }

  /** The places in a text that are not empty, in order; ends early after `most` of them, or after so much effort. */
  findAll(text: string, { most, effort }: { readonly most: number; readonly effort: number }): Found[] {
    const found: Found[] = [];
    this.#effort = effort;
    for (let at = 0; at <= text.length && found.length < most; ) {
      const next = this.#find(text, at);
      if (next === undefined) break;
      if (next.to > next.from) found.push(next);
      at = Math.max(next.to, next.from + 1);
    }
    return found;
  }

  #find(text: string, begin: number): Found | undefined {
    let found: Found | undefined;
    let ways: Way[] = [];
    let before = this.#neighbourAt(text, begin - 1);
    for (let at = begin; ; ) {
      const char = at < text.length ? this.#program.charOf(this.#program.codeAt(text, at)) : "";
      const here = char === "" ? edge : this.#program.neighbour(char);
      // Of two places the earlier one wins: a new way is the least preferred.
      if (found === undefined) ways.push({ at: this.#program.begin, from: at });
      const { waiting, ended } = this.#resolve(ways, before, here);
      if (ended !== undefined) found = { from: ended.from, to: at };
      ways = waiting.filter((way) => char !== "" && this.#fits(this.#atomOf(way), char)).map((way) => this.#step(way));
      this.#effort -= 1 + waiting.length;
      if (this.#effort < 0) return undefined;
      if (char === "" || (found !== undefined && ways.length === 0)) return found;
      at += char.length;
      before = here;
    }
  }

  /** The ways that wait for a character; those less preferred than one that has ended are given up. */
  #resolve(ways: readonly Way[], before: Neighbour, after: Neighbour): { waiting: Way[]; ended: Way | undefined } {
    const waiting: Way[] = [];
    const seen = new Set<number>();
    const todo = [...ways].reverse();
    for (let way = todo.pop(); way !== undefined; way = todo.pop()) {
      const { at, from } = way;
      if (seen.has(at)) continue;
      seen.add(at);
      const instruction = this.#program.instructions[at] as Instruction;
      if (instruction.kind === "match") return { waiting, ended: way };
      if (instruction.kind === "char") waiting.push(way);
      else if (instruction.kind === "split") todo.push({ at: instruction.other, from }, { at: instruction.next, from });
      else if (this.#program.holds(instruction.what, before, after)) todo.push({ at: instruction.next, from });
    }
    return { waiting, ended: undefined };
  }

  #charAt({ at }: Way): Instruction & { kind: "char" } {
    return this.#program.instructions[at] as Instruction & { kind: "char" };
  }

  #atomOf(way: Way): number {
    return this.#charAt(way).atom;
  }

  #step(way: Way): Way {
    return { at: this.#charAt(way).next, from: way.from };
  }

  #neighbourAt(text: string, at: number): Neighbour {
    return at < 0 ? edge : this.#program.neighbour(text.charAt(at));
  }

  #fits(atom: number, char: string): boolean {
    const code = char.charCodeAt(0);
    if (code >= 128) return this.#program.fits(atom, char);
    let known = this.#ascii.get(atom);
    if (known === undefined) this.#ascii.set(atom, (known = new Uint8Array(128)));
    if (known[code] === 0) known[code] = this.#program.fits(atom, char) ? 1 : 2;
    return known[code] === 1;
  }
}
