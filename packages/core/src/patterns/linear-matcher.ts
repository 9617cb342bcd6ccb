import { NotLinear, type PatternNode, parsePattern } from "./parse-pattern.ts";

type Instruction =
  | { readonly kind: "char"; readonly atom: number; readonly next: number }
  | { readonly kind: "split"; readonly next: number; readonly other: number }
  | { readonly kind: "assert"; readonly what: "start" | "end" | "word" | "not-word"; readonly next: number }
  | { readonly kind: "match" };

/** What a character is to the assertions beside it; `edge` is where the text begins or ends. */
interface Neighbour {
  readonly isEdge: boolean;
  readonly isWord: boolean;
  readonly isBreak: boolean;
}
const edge: Neighbour = { isEdge: true, isWord: false, isBreak: false };

interface State {
  /** Instructions that are waited at, before assertions. */
  readonly places: readonly number[];
  readonly before: Neighbour;
  /** By character code: ASCII here, others in the map. */
  readonly ascii: (State | "match" | undefined)[];
  readonly others: Map<number, State | "match">;
  atEnd: boolean | undefined;
}

/** Copies of a counted repetition count, too. */
const mostInstructions = 5000;
/** Found out as texts are read, and forgotten beyond this, so that memory is bounded. */
const mostStates = 500;
const mostTransitions = 20_000;

/**
 * Tells whether a regular expression occurs in a text, in time proportional to the text (and to the expression), never
 * more: all ways in which it may match are followed at once, and what was found out about them is remembered.
 */
export class LinearMatcher {
  #program: Instruction[] = [];
  #atoms: RegExp[] = [];
  #isUnicode: boolean;
  #isMultiline: boolean;
  #word: RegExp;
  #states = new Map<string, State>();
  #transitions = 0;
  #begin: number;
  /** Parts compiled, those of no instruction included. */
  #compiled = 0;

  /** Throws NotLinear for what cannot be matched so. */
  constructor(source: string, flags: string) {
    this.#isUnicode = flags.includes("u");
    this.#isMultiline = flags.includes("m");
    const forAtoms = flags.replace(/[^isu]/g, "");
    this.#word = new RegExp("^\\w$", forAtoms);
    const atoms = new Map<string, number>();
    const end = this.#add({ kind: "match" });
    this.#begin = this.#compile(parsePattern(source, flags), end, (text) => {
      const known = atoms.get(text);
      if (known !== undefined) return known;
      this.#atoms.push(new RegExp(`^(?:${text})$`, forAtoms));
      atoms.set(text, this.#atoms.length - 1);
      return this.#atoms.length - 1;
    });
  }

  test(text: string): boolean {
    let state = this.#stateOf([this.#begin], edge);
    for (let i = 0; i < text.length; i += 1) {
      let code = text.charCodeAt(i);
      if (this.#isUnicode && code >= 0xd800 && code < 0xdc00) {
        code = text.codePointAt(i) as number;
        if (code > 0xffff) i += 1;
      }
      const next = (code < 128 ? state.ascii[code] : state.others.get(code)) ?? this.#step(state, code);
      if (next === "match") return true;
      state = next;
    }
    state.atEnd ??= this.#resolve(state, edge) === "match";
    return state.atEnd;
  }

  #step(state: State, code: number): State | "match" {
    const char = this.#isUnicode ? String.fromCodePoint(code) : String.fromCharCode(code);
    const isBreak = char === "\n" || char === "\r" || char === "\u2028" || char === "\u2029";
    const here: Neighbour = { isEdge: false, isWord: this.#word.test(char), isBreak };
    const reached = this.#resolve(state, here);
    const next = reached === "match" ? reached : this.#stateOf(this.#advance(reached, char), here);
    if ((this.#transitions += 1) > mostTransitions) this.#forget();
    if (code < 128) state.ascii[code] = next;
    else state.others.set(code, next);
    return next;
  }

  /** The instructions that wait for a character, once those for the place between two characters are decided. */
  #resolve(state: State, after: Neighbour): readonly number[] | "match" {
    const waiting: number[] = [];
    const seen = new Set<number>();
    const todo = [...state.places];
    for (let at = todo.pop(); at !== undefined; at = todo.pop()) {
      if (seen.has(at)) continue;
      seen.add(at);
      const instruction = this.#program[at] as Instruction;
      if (instruction.kind === "match") return "match";
      if (instruction.kind === "char") waiting.push(at);
      else if (instruction.kind === "split") todo.push(instruction.next, instruction.other);
      else if (this.#holds(instruction.what, state.before, after)) todo.push(instruction.next);
    }
    return waiting;
  }

  #holds(what: "start" | "end" | "word" | "not-word", before: Neighbour, after: Neighbour): boolean {
    if (what === "start") return before.isEdge || (this.#isMultiline && before.isBreak);
    if (what === "end") return after.isEdge || (this.#isMultiline && after.isBreak);
    return (before.isWord !== after.isWord) === (what === "word");
  }

  #advance(waiting: readonly number[], char: string): number[] {
    const places = new Set([this.#begin]);
    const fits = new Map<number, boolean>();
    for (const at of waiting) {
      const instruction = this.#program[at] as Instruction & { kind: "char" };
      let fit = fits.get(instruction.atom);
      if (fit === undefined) fits.set(instruction.atom, (fit = (this.#atoms[instruction.atom] as RegExp).test(char)));
      if (fit) places.add(instruction.next);
    }
    return [...places].sort((a, b) => a - b);
  }

  #stateOf(places: readonly number[], before: Neighbour): State {
    const key = `${places.join()} ${Number(before.isEdge)}${Number(before.isWord)}${Number(before.isBreak)}`;
    let state = this.#states.get(key);
    if (state === undefined) {
      if (this.#states.size >= mostStates) this.#forget();
      state = { places, before, ascii: [], others: new Map(), atEnd: undefined };
      this.#states.set(key, state);
    }
    return state;
  }

  /** Transitions lead to other states, so that all go together. */
  #forget(): void {
    for (const state of this.#states.values()) {
      state.ascii.length = 0;
      state.others.clear();
    }
    this.#states.clear();
    this.#transitions = 0;
  }

  #add(instruction: Instruction): number {
    if (this.#program.length >= mostInstructions) throw new NotLinear("so many repetitions");
    return this.#program.push(instruction) - 1;
  }

  /** Compiles from the end: returns where a node begins that goes on at `next`. */
  #compile(node: PatternNode, next: number, atomOf: (source: string) => number): number {
    if ((this.#compiled += 1) > 4 * mostInstructions) throw new NotLinear("so many repetitions");
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

  #repeat({ part, min, max }: PatternNode & { kind: "repeat" }, next: number, atomOf: (source: string) => number) {
    let after = next;
    if (max === Infinity) {
      const loop = this.#add({ kind: "split", next, other: next });
      this.#program[loop] = { kind: "split", next: this.#compile(part, loop, atomOf), other: next };
      after = loop;
    } else {
      for (let i = min; i < max; i += 1)
        after = this.#add({ kind: "split", next: this.#compile(part, after, atomOf), other: next });
    }
    for (let i = 0; i < min; i += 1) after = this.#compile(part, after, atomOf);
    return after;
  }
}
