import { createTest, longestMessage, type Outcome, type ReportedTest, toNanoseconds } from "./reported-test.ts";
import type { LineReader } from "./text-format.ts";

const outcomes: Readonly<Record<string, Outcome>> = {
  success: "pass",
  successful: "pass",
  xfail: "pass",
  uxsuccess: "fail",
  failure: "fail",
  error: "error",
  skip: "skip",
};

const line = /^(test|testing|time|success|successful|xfail|uxsuccess|failure|error|skip)[: ]\s*(.*)$/;

/** Reads subunit of version 1: lines such as `test: name` and `failure: name [`, details, `]`. */
export class SubunitTextReader implements LineReader {
  readonly contradictions: string[] = [];
  #onTest: (test: ReportedTest) => void;
  #begun = new Map<string, number | undefined>();
  #time: number | undefined;
  /** A test whose details are read. */
  #open: { name: string; outcome: Outcome; details: string[]; length: number } | undefined;

  constructor(onTest: (test: ReportedTest) => void) {
    this.#onTest = onTest;
  }

  readLine(text: string): void {
    const open = this.#open;
    if (open) {
      if (text === "]") return this.#finish(open);
      if (open.length < longestMessage) open.details.push(text);
      open.length += text.length;
      return;
    }
    const [, word = "", rest = ""] = line.exec(text) ?? [];
    if (word === "time") this.#time = readTime(rest);
    else if (word === "test" || word === "testing") this.#begun.set(rest, this.#time);
    const outcome = outcomes[word];
    if (outcome === undefined) return;
    const [, name = rest, bracket] = /^(.*?)\s*(\[(?: multipart)?)?$/.exec(rest) ?? [];
    this.#open = { name, outcome, details: [], length: 0 };
    if (bracket === undefined) this.#finish(this.#open);
  }

  close(): void {
    if (this.#open) this.#finish(this.#open);
    for (const name of this.#begun.keys()) this.#onTest(createTest(name, "error", { message: "it did not end" }));
  }

  #finish({ name, outcome, details }: { name: string; outcome: Outcome; details: readonly string[] }): void {
    this.#open = undefined;
    const begun = this.#begun.get(name);
    this.#begun.delete(name);
    const seconds = begun === undefined || this.#time === undefined ? null : this.#time - begun;
    const message = outcome === "pass" ? "" : details.join("\n");
    this.#onTest(createTest(name, outcome, { durationNs: toNanoseconds(seconds), message }));
  }
}

function readTime(text: string): number | undefined {
  const ms = Date.parse(text.replace(" ", "T"));
  return Number.isNaN(ms) ? undefined : ms / 1000;
}
