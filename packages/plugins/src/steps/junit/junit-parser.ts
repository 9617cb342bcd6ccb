import { SaxesParser, type SaxesTagPlain } from "saxes";
import { readSeconds } from "./read-seconds.ts";

type Outcome = "pass" | "fail" | "error" | "skip";

/** One test of a file. */
export interface JunitTest {
  name: string;
  path: string | null;
  line: number | null;
  durationNs: number | null;
  outcome: Outcome;
  /** Why it did not pass, if the file says so. */
  message: string;
}

/** A file is invalid; the message says what is wrong, and where. */
export class NotJunit extends Error {
  override name = "NotJunit";
}

/** JUnit has four levels; a deeper file is an attack on the parser's memory. */
const mostDepth = 64;
/** Maximum length of a test's failure message, and of its name and path. */
const longestMessage = 64 * 1024;
const longestName = 1000;

const outcomes: Readonly<Record<string, Outcome>> = { failure: "fail", error: "error", skipped: "skip" };
/** If a test has several outcomes, the worst counts. */
const weight: Readonly<Record<Outcome, number>> = { pass: 0, skip: 1, fail: 2, error: 3 };
/** Values by which other writers mark a skipped test. */
const notRun = new Set(["notrun", "disabled", "skipped"]);

/** An open suite: its declared counts and its actual ones. */
interface Suite {
  readonly name: string;
  /** The prefix of its tests' names. */
  readonly group: string;
  readonly file: string | undefined;
  readonly said: { readonly tests: number; readonly failures: number };
  tests: number;
  /** Elements that report a failure: several may belong to one test. */
  failures: number;
}

/**
 * Parses JUnit XML as a stream and keeps only a file's tests. It knows only XML's five entities, so that none expands and
 * none is fetched. Time and memory are proportional to the file, and its depth is limited.
 */
export class JunitParser {
  /** Declared counts that differ from the actual ones: a reason not to trust a success. */
  readonly contradictions: string[] = [];
  #parser = new SaxesParser({ xmlns: false });
  #onTest: (test: JunitTest) => void;
  #open: string[] = [];
  #suites: Suite[] = [];
  #test: JunitTest | undefined;
  /** The depth of the test's element. */
  #testDepth = 0;
  /** The pieces of the failure message, and their length. */
  #message: string[] = [];
  #messageLength = 0;
  /** Whether the current text belongs to the failure message. */
  #isInMessage = false;

  constructor(onTest: (test: JunitTest) => void) {
    this.#onTest = onTest;
    this.#parser.on("error", (error) => {
      throw new NotJunit(`it is not XML (${error.message.slice(0, longestName)})`);
    });
    this.#parser.on("opentag", (tag) => this.#begin(tag));
    this.#parser.on("closetag", ({ name }) => this.#end(name));
    this.#parser.on("text", (text) => this.#addText(text));
    this.#parser.on("cdata", (text) => this.#addText(text));
  }

  /** Parses more text. Throws NotJunit. */
  write(text: string): void {
    this.#parser.write(text);
  }

  /** Ends the file. Throws NotJunit. */
  close(): void {
    this.#parser.close();
  }

  #begin(tag: SaxesTagPlain): void {
    const { name } = tag;
    const parent = this.#open.at(-1);
    if (parent === undefined && name !== "testsuites" && name !== "testsuite")
      throw new NotJunit(
        `it is not JUnit XML: it begins with <${cutName(name)}>, not with <testsuites> or <testsuite>`,
      );
    if (this.#open.length >= mostDepth)
      throw new NotJunit(`it is not JUnit XML: elements are nested ${mostDepth} levels deep`);
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

  #beginTest(test: JunitTest): void {
    // No writer nests tests on purpose; the outer test ends here.
    if (this.#test) this.#finishTest(this.#test);
    this.#test = test;
    this.#testDepth = this.#open.length;
  }

  /** A suite's own failure, such as that it could not be loaded, becomes a failed test of its name. */
  #beginSuiteFailure(outcome: Outcome, message: string): void {
    const suite = this.#suites.at(-1);
    const name = cutName(suite?.name || "the suite itself");
    this.#beginTest({ name, path: cutPath(suite?.file), line: null, durationNs: null, outcome: "pass", message: "" });
    this.#judge(this.#test as JunitTest, outcome, message);
  }

  #describe(tag: SaxesTagPlain): JunitTest {
    const suite = this.#suites.at(-1);
    const line = Number(read(tag, "line")?.slice(0, 20));
    const seconds = readSeconds(read(tag, "time"));
    return {
      name: cutName(nameTest(read(tag, "classname") || suite?.group || "", read(tag, "name") ?? "")),
      path: cutPath(read(tag, "file") || suite?.file),
      line: Number.isSafeInteger(line) && line > 0 ? line : null,
      durationNs: seconds === null ? null : Math.round(seconds * 1e9),
      outcome: notRun.has(read(tag, "status") ?? "") ? "skip" : "pass",
      message: "",
    };
  }

  #judge(test: JunitTest, outcome: Outcome, message: string): void {
    this.#isInMessage = true;
    if (weight[outcome] > weight[test.outcome]) test.outcome = outcome;
    const suite = this.#suites.at(-1);
    if (suite && outcome !== "skip") suite.failures += 1;
    this.#addText(message);
  }

  #addText(text: string): void {
    if (!this.#test || !this.#isInMessage || this.#messageLength >= longestMessage) return;
    const line = text.slice(0, longestMessage).trim();
    if (line === "") return;
    const last = this.#message.at(-1);
    // Most writers repeat the message at the beginning of the details.
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

  #finishTest(test: JunitTest): void {
    test.message = this.#message.join("\n").slice(0, longestMessage);
    this.#message = [];
    this.#messageLength = 0;
    this.#isInMessage = false;
    this.#test = undefined;
    const suite = this.#suites.at(-1);
    if (suite) suite.tests += 1;
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
  const isSuite = tag.name === "testsuite";
  return {
    name,
    group: isSuite ? name : "",
    file: isSuite ? read(tag, "file")?.slice(0, longestName) : undefined,
    said: {
      tests: count("tests") - count("skipped") - count("disabled"),
      failures: count("failures") + count("errors"),
    },
    tests: 0,
    failures: 0,
  };
}

function read(tag: SaxesTagPlain, attribute: string): string | undefined {
  return Object.hasOwn(tag.attributes, attribute) ? tag.attributes[attribute] : undefined;
}

const cutName = (name: string) => name.slice(0, longestName);
const cutPath = (path: string | undefined) => (path ? path.slice(0, longestName) : null);

/** `pkg.Class.test` if both are identifiers, `suite > does this` if one is a sentence or a path. */
function nameTest(wholeGroup: string, wholeName: string): string {
  const [group, name] = [cutName(wholeGroup), cutName(wholeName)];
  if (group === "" || name.startsWith(group)) return name;
  return /^[\w$.]+$/.test(group) && /^[\w$]+(\[.*\]|\(.*\))?$/.test(name) ? `${group}.${name}` : `${group} > ${name}`;
}
