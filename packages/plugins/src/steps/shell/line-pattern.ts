import { type Context, createContext, Script } from "node:vm";

/** Lines that are tested together: starting the watch over one test takes longer than most tests. */
const batch = 500;
/** How long one batch may take, and all of them together. */
const batchMs = 500;
const totalMs = 5000;

const script = new Script("test()");

/**
 * Counts the lines that match a pattern of the config. The lines come from a build, and with some patterns one line takes
 * minutes: testing is given up after a while, so that it cannot stop the engine.
 */
export class LinePattern {
  #pattern: RegExp;
  #lines: string[] = [];
  #matches = 0;
  #spentMs = 0;
  #gaveUp = false;

  /** A pattern with the global flag would remember where it stopped; lines are tested one by one. */
  constructor(pattern: string | RegExp) {
    this.#pattern =
      typeof pattern === "string"
        ? new RegExp(pattern)
        : new RegExp(pattern.source, pattern.flags.replace(/[gy]/g, ""));
  }

  add(line: string): void {
    if (this.#gaveUp) return;
    this.#lines.push(line);
    if (this.#lines.length >= batch) this.#test();
  }

  /** How many matched; whether not all were tested. */
  end(): { matches: number; gaveUp: boolean } {
    this.#test();
    return { matches: this.#matches, gaveUp: this.#gaveUp };
  }

  #test(): void {
    const lines = this.#lines.splice(0);
    if (lines.length === 0 || this.#gaveUp) return;
    const began = performance.now();
    const test = () => {
      for (const line of lines) if (this.#pattern.test(line)) this.#matches += 1;
    };
    try {
      script.runInContext(makeContext(test), { timeout: batchMs });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ERR_SCRIPT_EXECUTION_TIMEOUT") throw error;
      this.#gaveUp = true;
    }
    this.#spentMs += performance.now() - began;
    if (this.#spentMs > totalMs) this.#gaveUp = true;
  }
}

let context: (Context & { test?: () => void }) | undefined;

function makeContext(test: () => void): Context {
  context ??= createContext({});
  context.test = test;
  return context;
}
