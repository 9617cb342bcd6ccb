import { NotLinear, type PatternNode, parsePattern } from "./parse-pattern.ts";

/** The first way of a split is the one that an expression prefers. */
export type Instruction =
  | { readonly kind: "char"; readonly atom: number; readonly next: number }
  | { readonly kind: "split"; readonly next: number; readonly other: number }
  | { readonly kind: "assert"; readonly what: Assertion; readonly next: number }
  | { readonly kind: "match" };

type Assertion = "start" | "end" | "word" | "not-word";

/** How the assertions see a neighbouring character; `isEdge` marks the beginning or end of the text. */
export interface Neighbour {
  readonly isEdge: boolean;
  readonly isWord: boolean;
  readonly isBreak: boolean;
}
export const edge: Neighbour = { isEdge: true, isWord: false, isBreak: false };

/** Upper limit of the program's size; each copy of a counted repetition counts. */
const mostInstructions = 5000;

/** A regular expression as instructions, which can be followed in parallel. */
export class PatternProgram {
  readonly begin: number;
  readonly instructions: Instruction[] = [];
  readonly isUnicode: boolean;
  readonly #isMultiline: boolean;
  readonly #atoms: RegExp[] = [];
  readonly #word: RegExp;
  readonly #most: number;
  /** Nodes compiled, those without an instruction included. */
  #compiled = 0;

  /** Throws NotLinear for an expression that cannot be matched in linear time, or has more than `most` instructions. */
  constructor(source: string, flags: string, most = mostInstructions) {
    this.#most = most;
    this.isUnicode = flags.includes("u");
    this.#isMultiline = flags.includes("m");
    const forAtoms = flags.replace(/[^isu]/g, "");
    this.#word = new RegExp("^\\w$", forAtoms);
    const atoms = new Map<string, number>();
    const end = this.#add({ kind: "match" });
    this.begin = this.#compile(parsePattern(source, flags), end, (text) => {
      const known = atoms.get(text);
      if (known !== undefined) return known;
      this.#atoms.push(new RegExp(`^(?:${text})$`, forAtoms));
      atoms.set(text, this.#atoms.length - 1);
      return this.#atoms.length - 1;
    });
  }

  /** The code of the character at a position of the text. */
  codeAt(text: string, at: number): number {
    const code = text.charCodeAt(at);
    return this.isUnicode && code >= 0xd800 && code < 0xdc00 ? (text.codePointAt(at) as number) : code;
  }

  charOf(code: number): string {
    return this.isUnicode ? String.fromCodePoint(code) : String.fromCharCode(code);
  }

  neighbour(char: string): Neighbour {
    const isBreak = char === "\n" || char === "\r" || char === "\u2028" || char === "\u2029";
    return { isEdge: false, isWord: this.#word.test(char), isBreak };
  }

  fits(atom: number, char: string): boolean {
    return (this.#atoms[atom] as RegExp).test(char);
  }

  holds(what: Assertion, before: Neighbour, after: Neighbour): boolean {
    if (what === "start") return before.isEdge || (this.#isMultiline && before.isBreak);
    if (what === "end") return after.isEdge || (this.#isMultiline && after.isBreak);
    return (before.isWord !== after.isWord) === (what === "word");
  }

  #add(instruction: Instruction): number {
    if (this.instructions.length >= this.#most) throw new NotLinear("so many repetitions");
    return this.instructions.push(instruction) - 1;
  }

  /** Compiles backwards: returns the start of a node that continues at `next`. */
  #compile(node: PatternNode, next: number, atomOf: (source: string) => number): number {
    if ((this.#compiled += 1) > 4 * this.#most) throw new NotLinear("so many repetitions");
    switch (node.kind) {
      case "char":
        return this.#add({ kind: "char", atom: atomOf(node.source), next });
      case "assert":
        return this.#add({ kind: "assert", what: node.what, next });
      case "sequence":
        return node.parts.reduceRight((after, part) => this.#compile(part, after, atomOf), next);
      case "choice":
        return node.parts
          .map((part) => this.#compile(part, next, atomOf))
          .reduceRight((other, begin) => this.#add({ kind: "split", next: begin, other }));
      case "repeat":
        return this.#repeat(node, next, atomOf);
    }
  }

  #repeat(
    { part, min, max, isLazy }: PatternNode & { kind: "repeat" },
    next: number,
    atomOf: (source: string) => number,
  ): number {
    const split = (again: number): Instruction =>
      isLazy ? { kind: "split", next, other: again } : { kind: "split", next: again, other: next };
    let after = next;
    if (max === Infinity) {
      const loop = this.#add(split(next));
      this.instructions[loop] = split(this.#compile(part, loop, atomOf));
      after = loop;
    } else {
      for (let i = min; i < max; i += 1) after = this.#add(split(this.#compile(part, after, atomOf)));
    }
    for (let i = 0; i < min; i += 1) after = this.#compile(part, after, atomOf);
    return after;
  }
}
