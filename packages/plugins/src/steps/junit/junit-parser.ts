import { SaxesParser, type SaxesTagPlain } from "saxes";

type Outcome = "pass" | "fail" | "error" | "skip";

/** One test as a file tells it. */
export interface JunitTest {
  name: string;
  path: string | null;
  line: number | null;
  durationNs: number | null;
  outcome: Outcome;
  /** Why it did not pass, as far as the file says so. */
  message: string;
}

/** A file is not what it should be; the message says what is wrong, and where. */
export class NotJunit extends Error {
  override name = "NotJunit";
}

/** What a test says at most of why it failed. */
const longestMessage = 64 * 1024;

const outcomes: Readonly<Record<string, Outcome>> = { failure: "fail", error: "error", skipped: "skip" };
/** Of several words about one test the worst counts. */
const weight: Readonly<Record<Outcome, number>> = { pass: 0, skip: 1, fail: 2, error: 3 };
/** Other writers say it so. */
const notRun = new Set(["notrun", "disabled", "skipped"]);

/**
 * Reads JUnit XML piece by piece: of a file only its tests are kept. No entity is known but the five of XML itself, so
 * that none expands and none is fetched.
 */
export class JunitParser {
  #parser = new SaxesParser({ xmlns: false });
  #onTest: (test: JunitTest) => void;
  #open: string[] = [];
  #suites: { name: string; file: string | undefined }[] = [];
  #test: JunitTest | undefined;
  /** The text of the element that says why. */
  #isTelling = false;

  constructor(onTest: (test: JunitTest) => void) {
    this.#onTest = onTest;
    this.#parser.on("error", (error) => {
      throw new NotJunit(`it is no XML (${error.message})`);
    });
    this.#parser.on("opentag", (tag) => this.#begin(tag));
    this.#parser.on("closetag", ({ name }) => this.#end(name));
    this.#parser.on("text", (text) => this.#tell(text));
    this.#parser.on("cdata", (text) => this.#tell(text));
  }

  /** Throws NotJunit. */
  write(text: string): void {
    this.#parser.write(text);
  }

  /** The end of the file. Throws NotJunit. */
  close(): void {
    this.#parser.close();
  }

  #begin(tag: SaxesTagPlain): void {
    const { name } = tag;
    const parent = this.#open.at(-1);
    if (parent === undefined && name !== "testsuites" && name !== "testsuite")
      throw new NotJunit(`it is no JUnit XML: it begins with <${name}>, not with <testsuites> or <testsuite>`);
    this.#open.push(name);
    if (name === "testsuite") this.#suites.push({ name: read(tag, "name") ?? "", file: read(tag, "file") });
    else if (name === "testcase") this.#test = this.#describe(tag);
    else if (parent === "testcase" && this.#test && Object.hasOwn(outcomes, name))
      this.#judge(this.#test, outcomes[name] as Outcome, read(tag, "message") ?? read(tag, "type") ?? "");
  }

  #describe(tag: SaxesTagPlain): JunitTest {
    const suite = this.#suites.at(-1);
    const line = Number(read(tag, "line"));
    return {
      name: nameTest(read(tag, "classname") || suite?.name || "", read(tag, "name") ?? ""),
      path: read(tag, "file") || suite?.file || null,
      line: Number.isInteger(line) && line > 0 ? line : null,
      durationNs: readSeconds(read(tag, "time")),
      outcome: notRun.has(read(tag, "status") ?? "") ? "skip" : "pass",
      message: "",
    };
  }

  #judge(test: JunitTest, outcome: Outcome, message: string): void {
    this.#isTelling = true;
    if (weight[outcome] > weight[test.outcome]) test.outcome = outcome;
    this.#tell(message);
  }

  #tell(text: string): void {
    const test = this.#test;
    const line = text.trim();
    if (!test || !this.#isTelling || line === "") return;
    // Most writers say the message once more where they tell everything.
    test.message = line.startsWith(test.message) ? line : `${test.message}\n${line}`;
    test.message = test.message.slice(0, longestMessage);
  }

  #end(name: string): void {
    this.#open.pop();
    if (name === "testsuite") this.#suites.pop();
    if (this.#open.at(-1) === "testcase") this.#isTelling = false;
    if (name !== "testcase" || !this.#test) return;
    this.#onTest(this.#test);
    this.#test = undefined;
  }
}

function read(tag: SaxesTagPlain, attribute: string): string | undefined {
  return Object.hasOwn(tag.attributes, attribute) ? tag.attributes[attribute] : undefined;
}

/** `pkg.Class.test` where both are words, `suite > does this` where one is a sentence or a path. */
function nameTest(group: string, name: string): string {
  if (group === "" || name.startsWith(group)) return name;
  return /^[\w$.]+$/.test(group) && /^[\w$]+(\[.*\]|\(.*\))?$/.test(name) ? `${group}.${name}` : `${group} > ${name}`;
}

/** Seconds, which some write with commas between thousands. */
function readSeconds(text: string | undefined): number | null {
  if (text === undefined || text.trim() === "") return null;
  const seconds = Number(text.replace(/,(?=\d{3}(\D|$))/g, ""));
  return Number.isFinite(seconds) && seconds >= 0 ? Math.round(seconds * 1e9) : null;
}
