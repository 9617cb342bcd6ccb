import { createContext, Script } from "node:vm";
import { LinearMatcher } from "./patterns/linear-matcher.ts";
import { NotLinear } from "./patterns/parse-pattern.ts";
import { PatternProgram } from "./patterns/pattern-program.ts";

/**
 * Tests whether an expression of a config or a client occurs in a text from outside, in bounded time whatever the text is.
 * No other code of the masters may compile an expression (test/architecture).
 */
export interface BoundedPattern {
  readonly source: string;
  /** The construct that prevents matching in linear time, such as "lookahead"; undefined if matching is linear. */
  readonly notLinear: string | undefined;
  /** Throws PatternTooSlow, but only if the expression is not linear. */
  test(text: string): boolean;
}

/** An expression took too long for a text; the message is a sentence. */
export class PatternTooSlow extends Error {
  override name = "PatternTooSlow";
}

/** Limits for an expression that is not linear: how many characters of a text it reads, and for how long. */
const mostText = 4096;
const deadlineMs = 250;

const byExpression = new WeakMap<RegExp, BoundedPattern>();
/** Compiled globs. They come from the config: few, but used by each request. */
const byGlob = new Map<string, BoundedPattern>();
const mostGlobs = 1000;

/** Ignores the flags `g` and `y`. Throws SyntaxError for an invalid regular expression. */
export function boundedPattern(pattern: string | RegExp): BoundedPattern {
  if (typeof pattern === "string") return compile(new RegExp(pattern));
  let bounded = byExpression.get(pattern);
  if (bounded === undefined) byExpression.set(pattern, (bounded = compile(pattern)));
  return bounded;
}

/** Whether a text matches a glob: `*` matches any text and, with `question`, `?` any character. */
export function fitsGlob(text: string, glob: string, { question = false } = {}): boolean {
  const key = `${Number(question)}${glob}`;
  let bounded = byGlob.get(key);
  if (bounded === undefined) {
    if (byGlob.size >= mostGlobs) byGlob.clear();
    byGlob.set(key, (bounded = compile(globPattern(glob, question))));
  }
  return bounded.test(text);
}

function globPattern(glob: string, question: boolean): RegExp {
  const source = glob
    .replace(/[.+^${}()|[\]\\?*]/g, "\\$&")
    .replaceAll("\\*", ".*")
    .replaceAll("\\?", question ? "." : "\\?");
  return new RegExp(`^${source}$`, "s");
}

function compile({ source, flags }: RegExp): BoundedPattern {
  try {
    const matcher = new LinearMatcher(new PatternProgram(source, flags));
    return { source, notLinear: undefined, test: (text) => matcher.test(text) };
  } catch (error) {
    if (!(error instanceof NotLinear)) throw error;
    const expression = new RegExp(source, flags.replace(/[gy]/g, ""));
    return { source, notLinear: error.message, test: (text) => testInTime(expression, text) };
  }
}

const sandbox = createContext(Object.assign(Object.create(null), { expression: /./, text: "" }));
const script = new Script("expression.test(text)");

function testInTime(expression: RegExp, text: string): boolean {
  Object.assign(sandbox, { expression, text: text.slice(0, mostText) });
  try {
    return Boolean(script.runInContext(sandbox, { timeout: deadlineMs }));
  } catch (error) {
    if ((error as { code?: unknown }).code !== "ERR_SCRIPT_EXECUTION_TIMEOUT") throw error;
    throw new PatternTooSlow(`the expression ${expression} takes too long for this text; write it without ambiguity`);
  } finally {
    Object.assign(sandbox, { text: "" });
  }
}
