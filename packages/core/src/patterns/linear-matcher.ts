import { edge, type Instruction, type Neighbour, type PatternProgram } from "./pattern-program.ts";

interface State {
  /** Instructions that can be reached here, before assertions are evaluated. */
  readonly places: readonly number[];
  readonly before: Neighbour;
  /** Transitions by character code: ASCII here, others in the map. */
  readonly ascii: (State | "match" | undefined)[];
  readonly others: Map<number, State | "match">;
  atEnd: boolean | undefined;
}

/** States are built lazily while texts are read. Above this number all are dropped, so memory stays bounded. */
const mostStates = 500;
const mostTransitions = 20_000;

/**
 * Tests whether a regular expression occurs in a text, in time proportional to the text times the expression. It follows all
 * possible matches in parallel and caches the states it reaches.
 */
export class LinearMatcher {
  readonly #program: PatternProgram;
  readonly #states = new Map<string, State>();
  #transitions = 0;

  constructor(program: PatternProgram) {
    this.#program = program;
  }

  test(text: string): boolean {
    let state = this.#stateOf([this.#program.begin], edge);
    for (let i = 0; i < text.length; i += 1) {
      const code = this.#program.codeAt(text, i);
      if (code > 0xffff) i += 1;
      const next = (code < 128 ? state.ascii[code] : state.others.get(code)) ?? this.#step(state, code);
      if (next === "match") return true;
      state = next;
    }
    state.atEnd ??= this.#resolve(state, edge) === "match";
    return state.atEnd;
  }

  #step(state: State, code: number): State | "match" {
    const char = this.#program.charOf(code);
    const here = this.#program.neighbour(char);
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
      const instruction = this.#program.instructions[at] as Instruction;
      if (instruction.kind === "match") return "match";
      if (instruction.kind === "char") waiting.push(at);
      else if (instruction.kind === "split") todo.push(instruction.next, instruction.other);
      else if (this.#program.holds(instruction.what, state.before, after)) todo.push(instruction.next);
    }
    return waiting;
  }

  #advance(waiting: readonly number[], char: string): number[] {
    const places = new Set([this.#program.begin]);
    const fits = new Map<number, boolean>();
    for (const at of waiting) {
      const instruction = this.#program.instructions[at] as Instruction & { kind: "char" };
      let fit = fits.get(instruction.atom);
      if (fit === undefined) fits.set(instruction.atom, (fit = this.#program.fits(instruction.atom, char)));
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
}
