import { z } from "zod";
import {
  BadReport,
  createTest,
  longestMessage,
  longestName,
  type ReportedTest,
  toNanoseconds,
} from "./reported-test.ts";
import type { LineReader } from "./text-format.ts";

const event = z.object({
  Action: z.string(),
  Package: z.string().default(""),
  Test: z.string().optional(),
  Elapsed: z.number().optional(),
  Output: z.string().optional(),
});
type Event = z.output<typeof event>;

/** Tests that run at the same time, of which output is kept. */
const mostOpen = 10_000;

const outcomes: Readonly<Record<string, "pass" | "fail" | "skip">> = { pass: "pass", fail: "fail", skip: "skip" };

/** What is known of a test or a package while it runs. */
interface Running {
  output: string[];
  length: number;
  /** Something within it has failed, which explains its own failure. */
  isExplained: boolean;
  hasTests: boolean;
}

/** Reads what `go test -json` writes: one event a line. Other lines, such as errors of the compiler, explain what follows. */
export class GoParser implements LineReader {
  readonly contradictions: string[] = [];
  #onTest: (test: ReportedTest) => void;
  #running = new Map<string, Running>();
  #hasEvents = false;
  #lines = 0;

  constructor(onTest: (test: ReportedTest) => void) {
    this.#onTest = onTest;
  }

  readLine(line: string): void {
    this.#lines += line.trim() === "" ? 0 : 1;
    if (!line.startsWith("{")) return;
    const parsed = event.safeParse(parseJson(line));
    if (!parsed.success) return;
    this.#hasEvents = true;
    this.#take(parsed.data);
  }

  close(): void {
    if (!this.#hasEvents && this.#lines > 0)
      throw new BadReport('it is not what "go test -json" writes: no line is an event');
    for (const [key, running] of this.#running) {
      const [pkg = "", test] = split(key);
      // The program ended in its middle.
      if (test !== undefined) this.#report(pkg, test, "fail", undefined, running);
      else if (pkg !== "" && this.contradictions.length < 10)
        this.contradictions.push(`it is cut short: it has no end of the package ${pkg.slice(0, longestName)}`);
    }
  }

  #take({ Action: action, Package: pkg, Test: test, Elapsed: elapsed, Output: output }: Event): void {
    const running = this.#find(pkg, test);
    if (action === "output" && output !== undefined && running.length < longestMessage) {
      if (!/^\s*(?:=== |--- |PASS$|FAIL$|ok\s|FAIL\t)/.test(output)) {
        running.output.push(output);
        running.length += output.length;
      }
      return;
    }
    const outcome = outcomes[action];
    if (outcome === undefined) return;
    this.#running.delete(keyOf(pkg, test));
    const outer = test === undefined ? undefined : this.#find(pkg, outerOf(test));
    if (outer) {
      outer.hasTests = true;
      if (outcome === "fail") outer.isExplained = true;
    }
    // What only sums up others is no test of its own: a package, and a test of subtests.
    const isSummary = running.hasTests || test === undefined;
    if (isSummary && (outcome !== "fail" || running.isExplained)) return;
    this.#report(pkg, test, outcome, elapsed, running);
  }

  #report(
    pkg: string,
    test: string | undefined,
    outcome: "pass" | "fail" | "skip",
    elapsed: number | undefined,
    { output }: Running,
  ): void {
    const name = test === undefined ? pkg : pkg === "" ? test : `${pkg}.${test}`;
    const message = outcome === "pass" ? "" : output.join("");
    const more = { durationNs: toNanoseconds(elapsed), message };
    this.#onTest(createTest(name, test === undefined && outcome === "fail" ? "error" : outcome, more));
  }

  #find(pkg: string, test: string | undefined): Running {
    const key = keyOf(pkg, test);
    let running = this.#running.get(key);
    if (running === undefined) {
      running = { output: [], length: 0, isExplained: false, hasTests: false };
      if (this.#running.size < mostOpen) this.#running.set(key, running);
    }
    return running;
  }
}

const keyOf = (pkg: string, test: string | undefined) => JSON.stringify(test === undefined ? [pkg] : [pkg, test]);
const split = (key: string) => JSON.parse(key) as [string, string?];

/** Of `TestA/sub`, `TestA`; of `TestA`, its package. */
function outerOf(test: string): string | undefined {
  const slash = test.lastIndexOf("/");
  return slash === -1 ? undefined : test.slice(0, slash);
}

function parseJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
