import type { SaxesTagPlain } from "saxes";
import { readSeconds } from "./read-seconds.ts";
import { BadReport, longestMessage, longestName, type Outcome, type ReportedTest } from "./reported-test.ts";
import { createXmlParser } from "./xml-parser.ts";

/** JUnit has four levels; more than this is an attack on the parser's memory. */
const mostDepth = 64;

const outcomes: Readonly<Record<string, Outcome>> = { failure: "fail", error: "error", skipped: "skip" };
/** What other writers say in an attribute, some of them nowhere else. */
const words: Readonly<Record<string, Outcome>> = {
  notrun: "skip",
  disabled: "skip",
  skipped: "skip",
  fail: "fail",
  failed: "fail",
  failure: "fail",
  error: "error",
};
/** Of several words about one test the worst counts. */
const weight: Readonly<Record<Outcome, number>> = { pass: 0, skip: 1, fail: 2, error: 3 };

/** A suite that is open, with what it says of its content and what it has. */
interface Suite {
  readonly name: string;
  /** What its tests are named after. */
  readonly group: string;
  readonly file: string | undefined;
  readonly said: { readonly tests: number; readonly failures: number };
  tests: number;
  /** Elements that report a failure: one test may have several. */
  failures: number;
}

/**
 * Reads JUnit XML piece by piece: of a file only its tests are kept. No entity is known but the five of XML itself, so
 * that none expands and none is fetched. Time and memory are in proportion to the file, less its depth's limit.
 */
export class JunitParser {
  /** What the file says of itself and does not keep: a reason not to believe that all is well. */
  readonly contradictions: string[] = [];
  #parser = createXmlParser({
    begin: (tag) => this.#begin(tag),
    end: (name) => this.#end(name.toLowerCase()),
    text: (text) => this.#addText(text),
  });
  #onTest: (test: ReportedTest) => void;
  #open: string[] = [];
  #suites: Suite[] = [];
  #test: ReportedTest | undefined;
  /** Of the element that is the test. */
  #testDepth = 0;
  /** Why it failed, and how long that is. */
  #message: string[] = [];
  #messageLength = 0;
  /** The text of the element that says why. */
  #isInMessage = false;
  /** Whether an element has said that it failed. */
  #isJudged = false;

  constructor(onTest: (test: ReportedTest) => void) {
    this.#onTest = onTest;
  }

  /** Throws BadReport. */
  write(text: string): void {
    this.#parser.write(text);
  }

  /** The end of the file. Throws BadReport. */
  close(): void {
    this.#parser.close();
  }

  #begin(tag: SaxesTagPlain): void {
    const name = tag.name.toLowerCase();
    const parent = this.#open.at(-1);
    if (parent === undefined && name !== "testsuites" && name !== "testsuite")
      throw new BadReport(
        `it is not JUnit XML: it begins with <${cutName(tag.name)}>, not with <testsuites> or <testsuite>`,
      );
    if (this.#open.length >= mostDepth)
      throw new BadReport(`it is not JUnit XML: elements are nested ${mostDepth} levels deep`);
    this.#open.push(name);
    if (name === "testsuite" || name === "testsuites") this.#suites.push(describeSuite(tag));
    else if (name === "testcase") this.#beginTest(this.#describe(tag));
    else if (Object.hasOwn(outcomes, name)) {
      const outcome = outcomes[name] as Outcome;
      const message = read(tag, "message") ?? read(tag, "type") ?? "";
      if (this.#test) this.#judge(this.#test, outcome, message);
      else if (outcome !== "skip") this.#beginSuiteFailure(outcome, message);
    }
  }

  #beginTest(test: ReportedTest): void {
    // No writer means a test within a test; the outer one has been reported up to here.
    if (this.#test) this.#finishTest(this.#test);
    this.#test = test;
    this.#testDepth = this.#open.length;
  }

  /** What a suite says of itself, such as that it could not be loaded, is a failed test of its name. */
  #beginSuiteFailure(outcome: Outcome, message: string): void {
    const suite = this.#suites.at(-1);
    const name = cutName(suite?.name || "the suite itself");
    this.#beginTest({ name, path: cutPath(suite?.file), line: null, durationNs: null, outcome: "pass", message: "" });
    this.#judge(this.#test as ReportedTest, outcome, message);
  }

  #describe(tag: SaxesTagPlain): ReportedTest {
    const suite = this.#suites.at(-1);
    const line = Number(read(tag, "line")?.slice(0, 20));
    const seconds = readSeconds(read(tag, "time"));
    return {
      name: cutName(nameTest(read(tag, "classname") || suite?.group || "", read(tag, "name") ?? "")),
      path: cutPath(read(tag, "file") || suite?.file),
      line: Number.isSafeInteger(line) && line > 0 ? line : null,
      durationNs: seconds === null ? null : Math.round(seconds * 1e9),
      outcome: worst(readWord(tag, "status"), readWord(tag, "result")),
      message: "",
    };
  }

  #judge(test: ReportedTest, outcome: Outcome, message: string): void {
    this.#isInMessage = true;
    test.outcome = worst(test.outcome, outcome);
    this.#isJudged ||= outcome !== "skip";
    const suite = this.#suites.at(-1);
    if (suite && outcome !== "skip") suite.failures += 1;
    this.#addText(message);
  }

  #addText(text: string): void {
    if (!this.#test || !this.#isInMessage || this.#messageLength >= longestMessage) return;
    const line = text.slice(0, longestMessage).trim();
    if (line === "") return;
    const last = this.#message.at(-1);
    // Most writers repeat the message in the full text.
    if (last !== undefined && line.startsWith(last)) this.#messageLength -= this.#message.pop()?.length ?? 0;
    this.#message.push(line);
    this.#messageLength += line.length;
  }

  #end(name: string): void {
    const depth = this.#open.length;
    this.#open.pop();
    if (name === "testsuite" || name === "testsuites") this.#endSuite();
    if (Object.hasOwn(outcomes, name)) this.#isInMessage = false;
    if (this.#test && depth <= this.#testDepth) this.#finishTest(this.#test);
  }

  #finishTest(test: ReportedTest): void {
    test.message = this.#message.join("\n").slice(0, longestMessage);
    this.#message = [];
    this.#messageLength = 0;
    this.#isInMessage = false;
    this.#test = undefined;
    const suite = this.#suites.at(-1);
    if (suite) {
      suite.tests += 1;
      if (!this.#isJudged && weight[test.outcome] >= weight.fail) suite.failures += 1;
    }
    this.#isJudged = false;
    this.#onTest(test);
  }

  #endSuite(): void {
    const suite = this.#suites.pop();
    if (suite === undefined) return;
    const { name, said, tests, failures } = suite;
    const outer = this.#suites.at(-1);
    if (outer) {
      outer.tests += tests;
      outer.failures += failures;
    }
    const what = name === "" ? "a suite" : `suite "${name.slice(0, 100)}"`;
    if (said.failures > failures)
      this.#contradict(`${what} counts ${said.failures} failures and errors, and lists ${failures}`);
    else if (said.tests > 0 && tests === 0) this.#contradict(`${what} counts ${said.tests} tests, and lists none`);
  }

  #contradict(sentence: string): void {
    if (this.contradictions.length < 10) this.contradictions.push(sentence);
  }
}

function describeSuite(tag: SaxesTagPlain): Suite {
  const count = (name: string) => {
    const value = Number(read(tag, name)?.slice(0, 20) ?? 0);
    return Number.isSafeInteger(value) && value > 0 ? value : 0;
  };
  const name = cutName(read(tag, "name") ?? "");
  const isSuite = tag.name.toLowerCase() === "testsuite";
  return {
    name,
    group: isSuite ? name : "",
    file: isSuite ? read(tag, "file")?.slice(0, longestName) : undefined,
    said: {
      tests: count("tests") - count("skipped") - count("disabled"),
      failures: Math.max(count("failures") + count("errors"), count("failed")),
    },
    tests: 0,
    failures: 0,
  };
}

function read(tag: SaxesTagPlain, attribute: string): string | undefined {
  return Object.hasOwn(tag.attributes, attribute) ? tag.attributes[attribute] : undefined;
}

function readWord(tag: SaxesTagPlain, attribute: string): Outcome {
  const word = read(tag, attribute)?.slice(0, 20).toLowerCase() ?? "";
  return Object.hasOwn(words, word) ? (words[word] as Outcome) : "pass";
}

const worst = (one: Outcome, other: Outcome) => (weight[one] >= weight[other] ? one : other);

const cutName = (name: string) => name.slice(0, longestName);
const cutPath = (path: string | undefined) => (path ? path.slice(0, longestName) : null);

/** `pkg.Class.test` where both are words, `suite > does this` where one is a sentence or a path. */
function nameTest(wholeGroup: string, wholeName: string): string {
  const [group, name] = [cutName(wholeGroup), cutName(wholeName)];
  if (group === "" || name.startsWith(group)) return name;
  return /^[\w$.]+$/.test(group) && /^[\w$]+(\[.*\]|\(.*\))?$/.test(name) ? `${group}.${name}` : `${group} > ${name}`;
}
