import type { SaxesTagPlain } from "saxes";
import { readSeconds } from "./read-seconds.ts";
import {
  BadReport,
  createTest,
  longestMessage,
  longestName,
  type Outcome,
  type ReportedTest,
  toNanoseconds,
} from "./reported-test.ts";
import type { XmlReader } from "./xml-format.ts";
import { createXmlParser } from "./xml-parser.ts";

/** More levels than that are an attack on the parser's memory. */
const mostDepth = 256;

/** How the files of these programs begin, in lower case. */
const roots = new Set(["test-run", "test-results", "assemblies", "assembly", "testrun"]);
/** The elements of a test: of NUnit, of xUnit.net, of Visual Studio. */
const testElements = new Set(["test-case", "test", "unittestresult"]);
const messageElements = new Set(["message", "stack-trace", "stacktrace", "reason"]);

const outcomes: Readonly<Record<string, Outcome>> = {
  passed: "pass",
  success: "pass",
  pass: "pass",
  passedbutrunaborted: "pass",
  warning: "pass",
  completed: "pass",
  failed: "fail",
  failure: "fail",
  fail: "fail",
  error: "error",
  timeout: "error",
  aborted: "error",
  cancelled: "error",
  notrunnable: "error",
  disconnected: "error",
};

/** Reads the XML of NUnit 2 and 3, of xUnit.net 2, and of Visual Studio (TRX): all list tests as elements with attributes. */
export class NunitParser implements XmlReader {
  readonly contradictions: string[] = [];
  #parser = createXmlParser({
    begin: (tag) => this.#begin(tag),
    end: (name) => this.#end(plain(name)),
    text: (text) => this.#addText(text),
  });
  #onTest: (test: ReportedTest) => void;
  #open: string[] = [];
  #test: ReportedTest | undefined;
  #testDepth = 0;
  #message: string[] = [];
  #length = 0;
  #isInMessage = false;

  constructor(onTest: (test: ReportedTest) => void) {
    this.#onTest = onTest;
  }

  write(text: string): void {
    this.#parser.write(text);
  }

  close(): void {
    this.#parser.close();
  }

  #begin(tag: SaxesTagPlain): void {
    const name = plain(tag.name);
    if (this.#open.length === 0 && !roots.has(name))
      throw new BadReport(
        `it begins with <${tag.name.slice(0, longestName)}>, which neither NUnit, xUnit.net nor Visual Studio writes`,
      );
    if (this.#open.length >= mostDepth) throw new BadReport(`elements are nested ${mostDepth} levels deep`);
    this.#open.push(name);
    // A filter names the tests that were asked for.
    if (testElements.has(name) && this.#test === undefined && !this.#open.includes("filter")) {
      this.#test = describe(tag);
      this.#testDepth = this.#open.length;
    }
    this.#isInMessage = messageElements.has(name);
  }

  #addText(text: string): void {
    if (!this.#test || !this.#isInMessage || this.#length >= longestMessage) return;
    const kept = text.slice(0, longestMessage).trim();
    if (kept === "") return;
    this.#message.push(kept);
    this.#length += kept.length;
  }

  #end(name: string): void {
    const depth = this.#open.length;
    this.#open.pop();
    this.#isInMessage = false;
    if (testElements.has(name)) {
      if (!this.#test || depth !== this.#testDepth) return;
      const test = this.#test;
      const message = this.#message.join("\n");
      this.#test = undefined;
      this.#message = [];
      this.#length = 0;
      this.#onTest(createTest(test.name, test.outcome, { ...test, message: test.outcome === "pass" ? "" : message }));
    }
  }
}

function describe(tag: SaxesTagPlain): ReportedTest {
  const read = (name: string) => (Object.hasOwn(tag.attributes, name) ? tag.attributes[name] : undefined);
  const name = read("fullname") ?? read("testName") ?? read("name") ?? "";
  const seconds = readSeconds(
    read("duration")?.includes(":") ? toSeconds(read("duration")) : (read("duration") ?? read("time")),
  );
  return createTest(name, judge(read), { durationNs: toNanoseconds(seconds) });
}

function judge(read: (name: string) => string | undefined): Outcome {
  if (read("label")?.toLowerCase() === "error") return "error";
  const word = (read("result") ?? read("outcome"))?.slice(0, 50).toLowerCase();
  if (word !== undefined) return outcomes[word] ?? "skip";
  // NUnit before 2.5 says no more than this.
  if (read("executed")?.toLowerCase() === "false") return "skip";
  return read("success")?.toLowerCase() === "true" ? "pass" : "fail";
}

/** `00:00:01.5`, as .NET writes a time span. */
function toSeconds(span: string | undefined): string | undefined {
  const found = /^(?:(\d+)\.)?(\d+):(\d+):(\d+(?:\.\d+)?)$/.exec(span ?? "");
  if (!found) return undefined;
  const [, days = "0", hours, minutes, seconds] = found;
  return String(((Number(days) * 24 + Number(hours)) * 60 + Number(minutes)) * 60 + Number(seconds));
}

function plain(name: string): string {
  return name.toLowerCase().replace(/^.*:/, "");
}
