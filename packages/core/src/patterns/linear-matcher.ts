import { NotLinear, type PatternNode, parsePattern } from "./parse-pattern.ts";

type Instruction =
  | { readonly kind: "char"; readonly atom: number; readonly next: number }
  | { readonly kind: "split"; readonly next: number; readonly other: number }
  | { readonly kind: "assert"; readonly what: "start" | "end" | "word" | "not-word"; readonly next: number }
  | { readonly kind: "match" };

/** How the assertions see a neighbouring character; `isEdge` marks the beginning or end of the text. */
interface Neighbour {
  readonly isEdge: boolean;
  readonly isWord: boolean;
  readonly isBreak: boolean;
}
const edge: Neighbour = { isEdge: true, isWord: false, isBreak: false };

interface State {
  /** Instructions that can be reached here, before assertions are evaluated. */
  readonly places: readonly number[];
  readonly before: Neighbour;
  /** Transitions by character code: ASCII here, others in the map. */
  readonly ascii: (State | "match" | undefined)[];
  readonly others: Map<number, State | "match">;
  atEnd: boolean | undefined;
}

/** Upper limit of the program's size; each copy of a counted repetition counts. */
const mostInstructions = 5000;
/** States are built lazily while texts are read. Above this number all are dropped, so memory stays bounded. */
const mostStates = 500;
const mostTransitions = 20_000;

/**
 * Tests whether a regular expression occurs in a text, in time proportional to the text times the expression. It follows all
 * possible matches in parallel and caches the states it reaches.
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
  /** Nodes compiled, those without an instruction included. */
  #compiled = 0;

  /** Throws NotLinear for an expression that cannot be matched in linear time. */
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

  /** The instructions that wait for a character, after the assertions between two characters are evaluated. */
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

  /** Drops all states: transitions refer to other states, so a part cannot be dropped. */
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

  /** Compiles backwards: returns the start of a node that continues at `next`. */
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
