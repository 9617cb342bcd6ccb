import { createTest, longestMessage, type ReportedTest, toNanoseconds } from "./reported-test.ts";
import type { LineReader } from "./text-format.ts";

/** Levels of subtests that are told apart. */
const mostDepth = 32;

const testLine = /^(not )?ok\b(?:\s+(\d+))?(?:\s*-\s?|\s+)?(.*)$/;
const planLine = /^1\.\.(\d+)(?:\s*#\s*(.*))?$/;

/** A test that has been read, until it is known what follows about it. */
interface OpenTest {
  readonly name: string;
  readonly isOk: boolean;
  readonly directive: "skip" | "todo" | undefined;
  /** Why it is skipped, and diagnostics. */
  readonly message: string[];
  length: number;
  durationMs: number | undefined;
  /** A failed subtest explains it. */
  readonly isExplained: boolean;
  readonly hasSubtests: boolean;
}

/** One level: the file, or the subtests of a test. */
interface Level {
  planned: number | undefined;
  tests: number;
  failed: boolean;
}

/** Reads the Test Anything Protocol of versions 12 to 14, with indented subtests and YAML blocks. */
export class TapParser implements LineReader {
  readonly contradictions: string[] = [];
  #onTest: (test: ReportedTest) => void;
  #levels: Level[] = [{ planned: undefined, tests: 0, failed: false }];
  /** Names of the tests whose subtests are read, by level. */
  #names: string[] = [];
  #open: OpenTest | undefined;
  #isInBlock = false;

  constructor(onTest: (test: ReportedTest) => void) {
    this.#onTest = onTest;
  }

  readLine(line: string): void {
    const indent = /^ */.exec(line)?.[0].length ?? 0;
    const text = line.slice(indent);
    if (this.#isInBlock || text === "---") return this.#readBlock(text);
    const depth = Math.min(Math.floor(indent / 4), mostDepth);
    const subtest = /^# Subtest(?:: (.*))?$/.exec(text);
    if (subtest) return this.#beginSubtests(depth, subtest[1] ?? "");
    const found = testLine.exec(text);
    if (found) return this.#readTest(depth, found);
    const plan = planLine.exec(text);
    if (plan) return this.#readPlan(depth, Number(plan[1]));
    const bail = /^Bail out!\s*(.*)$/i.exec(text);
    if (bail) return this.#bailOut(bail[1] ?? "");
    if (text.startsWith("#")) this.#explain(text.slice(1).trim());
  }

  close(): void {
    this.#finish();
    while (this.#levels.length > 0) this.#endLevel();
  }

  #readBlock(text: string): void {
    this.#isInBlock = text !== "...";
    if (text === "---" || text === "...") return;
    const duration = /^duration_ms:\s*([\d.]+)$/.exec(text.trim());
    if (duration && this.#open) this.#open.durationMs = Number(duration[1]);
    this.#explain(text);
  }

  /** The line before subtests is at their own level, or at that of their test. */
  #beginSubtests(depth: number, name: string): void {
    this.#finish();
    this.#goTo(depth);
    this.#names[depth] = name;
  }

  #readTest(depth: number, [, not, , rest = ""]: RegExpExecArray): void {
    this.#finish();
    const hadSubtests = this.#levels.length > depth + 1;
    const below = this.#levels[depth + 1];
    this.#goTo(depth);
    const level = this.#levels[depth] as Level;
    const [, text = "", word, why = ""] = /^((?:[^#\\]|\\.)*)(?:#\s*(skip|todo)\S*\s*(.*))?/i.exec(rest) ?? [];
    const directive = word?.toLowerCase() as OpenTest["directive"];
    const isOk = not === undefined;
    level.tests += 1;
    if (!isOk && directive === undefined) level.failed = true;
    const own = text.trim().replace(/\\(.)/g, "$1");
    const name = [...this.#names.slice(0, depth), own === "" ? `test ${level.tests}` : own].filter(Boolean).join(" > ");
    this.#open = {
      name,
      isOk,
      directive,
      message: why === "" ? [] : [why],
      length: why.length,
      durationMs: undefined,
      isExplained: below?.failed === true,
      hasSubtests: hadSubtests && (below?.tests ?? 0) > 0,
    };
    this.#names.length = Math.min(this.#names.length, depth);
  }

  #readPlan(depth: number, planned: number): void {
    this.#finish();
    // The plan of subtests may be their first line.
    if (depth >= this.#levels.length) this.#goTo(depth);
    const level = this.#levels[depth];
    if (level) level.planned = planned;
  }

  #bailOut(why: string): void {
    this.#finish();
    this.contradictions.push(`the tests gave up${why === "" ? "" : `: ${why.slice(0, 500)}`}`);
  }

  #explain(text: string): void {
    const open = this.#open;
    if (open === undefined || open.length > longestMessage) return;
    open.message.push(text);
    open.length += text.length;
  }

  #goTo(depth: number): void {
    while (this.#levels.length > depth + 1) this.#endLevel();
    while (this.#levels.length <= depth) this.#levels.push({ planned: undefined, tests: 0, failed: false });
  }

  #endLevel(): void {
    const level = this.#levels.pop();
    if (level === undefined) return;
    const { planned, tests } = level;
    if (planned !== undefined && planned !== tests && this.contradictions.length < 10)
      this.contradictions.push(`it plans ${planned} tests, and lists ${tests}`);
  }

  #finish(): void {
    const open = this.#open;
    this.#open = undefined;
    this.#isInBlock = false;
    // A test that only sums up its subtests is none of its own, unless it says more than they do.
    if (open === undefined || (open.hasSubtests && (open.isOk || open.isExplained))) return;
    const outcome = open.directive !== undefined ? "skip" : open.isOk ? "pass" : "fail";
    const durationNs = open.durationMs === undefined ? null : toNanoseconds(open.durationMs / 1000);
    const message = outcome === "pass" ? "" : open.message.join("\n");
    this.#onTest(createTest(open.name, outcome, { durationNs, message }));
  }
}
