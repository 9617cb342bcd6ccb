import { type Found, LinearFinder } from "./patterns/linear-finder.ts";
import { LinearMatcher } from "./patterns/linear-matcher.ts";
import { NotLinear } from "./patterns/parse-pattern.ts";
import { PatternProgram } from "./patterns/pattern-program.ts";

/** A search for an expression that a reader typed: no text can make it slow. It needs nothing of Node. */
export interface LinearSearch {
  test(text: string): boolean;
  findAll: LinearFinder["findAll"];
}

/** Larger expressions are not searched for, so that a line of any length takes less than a second. */
const mostInstructions = 500;

/** The search, or why there is none, as a sentence. Throws SyntaxError for an invalid regular expression. */
export function linearSearch({ source, flags }: RegExp): LinearSearch | string {
  try {
    const program = new PatternProgram(source, flags, mostInstructions);
    const matcher = new LinearMatcher(program);
    const finder = new LinearFinder(program);
    return { test: (text) => matcher.test(text), findAll: (text, limits): Found[] => finder.findAll(text, limits) };
  } catch (error) {
    if (!(error instanceof NotLinear)) throw error;
    return `${error.message} could take for ever: search without it`;
  }
}
