import { Results } from "@multimaster/core";
import { describe, expect, it } from "vitest";
import type { StepDefinition } from "../define-step.ts";
import type { CommandOptions, StepContext, TestReport } from "../step-context.ts";
import junit from "./junit.ts";

const report = (cases: string) => `<?xml version="1.0" encoding="UTF-8"?><testsuites>${cases}</testsuites>`;

/** Runs the step over files by their path below the work directory; the worker gives them in small blocks. */
async function run(files: Record<string, string | Uint8Array>, more: Partial<Parameters<typeof junit>[0]> = {}) {
  const reports: TestReport[] = [];
  const logs: Record<string, string> = {};
  const removed: string[] = [];
  const path = (...parts: string[]) => ["/w/b", ...parts].join("/");
  const ctx = {
    name: "unit tests",
    property: () => undefined,
    source: () => undefined,
    setState: () => {},
    path,
    async command(name: string, args: { path: string; maxsize: number }, options: CommandOptions) {
      const known = Object.keys(files).map((file) => path("build", file));
      if (name === "glob") return { rc: 0, files: known.toReversed() };
      if (name === "rmfile") removed.push(args.path);
      const content = files[args.path.slice("/w/b/build/".length)];
      if (content === undefined) return { rc: 1 };
      const bytes = Buffer.from(content).subarray(0, args.maxsize);
      for (let at = 0; name === "upload_file" && at < bytes.length; at += at === 0 ? 200 : 7)
        await options.upload?.write(bytes.subarray(at, at + (at === 0 ? 200 : 7)));
      return { rc: bytes.length === args.maxsize ? 1 : 0 };
    },
    log: async (log: string) => ({
      write: async (text: string) => {
        logs[log] = (logs[log] ?? "") + text;
      },
    }),
    addTestResults: async (added: TestReport) => void reports.push(added),
  } as unknown as StepContext;
  const options = { files: "*.xml", ...more };
  const end = await (junit(options).plugin as StepDefinition).run(ctx, options as never);
  return { end, logs, removed, report: reports[0] };
}

describe("a junit step", () => {
  it("stores what the files say of each test, and tells how many there were", async () => {
    const {
      end,
      report: stored,
      logs,
    } = await run({
      "b.xml": report(
        `<testsuite name="b"><testcase name="adds" classname="pkg.Sum" time="0.25"/></testsuite>
         <testsuite name="src/b.test.ts" file="src/b.test.ts"><testcase name="list > sorts" time="1,002.5" line="7"/></testsuite>`,
      ),
      "a.xml": `<testsuite name="a"><testcase name="left" classname="A" time=""><skipped message="later"/></testcase></testsuite>`,
    });
    expect(end).toEqual({ results: Results.SUCCESS, summary: "2 passed, 1 skipped" });
    const rest = { path: null, line: null, durationNs: null };
    expect(stored).toEqual({
      description: "unit tests",
      category: "pass_fail",
      valueUnit: "outcome",
      passed: 2,
      failed: 0,
      results: [
        { ...rest, name: "A.left", value: "skip" },
        { ...rest, name: "pkg.Sum.adds", durationNs: 250_000_000, value: "pass" },
        {
          name: "src/b.test.ts > list > sorts",
          path: "src/b.test.ts",
          line: 7,
          durationNs: 1_002_500_000_000,
          value: "pass",
        },
      ],
    });
    expect(logs).toEqual({});
  });

  it("fails when a test failed, and writes down why; or only warns, if that is asked for", async () => {
    const files = {
      "a.xml": report(
        `<testsuite><testcase name="x" classname="A" file="a.py" line="3"><failure message="expected 3">expected 3
          got &lt;4&gt;</failure><system-out>noise</system-out></testcase>
         <testcase name="y" classname="A" time="2"><failure message="no"/><error type="Boom"><![CDATA[at <y>]]></error></testcase></testsuite>`,
      ),
    };
    const { end, logs, report: stored } = await run(files);
    expect(end).toEqual({ results: Results.FAILURE, summary: "0 passed, 2 failed" });
    expect(stored?.results.map(({ name, value }) => [name, value])).toEqual([
      ["A.x", "fail"],
      ["A.y", "error"],
    ]);
    expect(logs["failed tests"]).toBe(
      "FAIL A.x (a.py:3)\n    expected 3\n              got <4>\n\nERROR A.y, 2.00 s\n    no\n    Boom\n    at <y>\n\n",
    );
    expect((await run(files, { onFailedTests: "warnings" })).end.results).toBe(Results.WARNINGS);
    expect((await run(files, { onFailedTests: "success" })).end.results).toBe(Results.SUCCESS);
  });

  it("says so when no file is there", async () => {
    const { end, logs, report: stored } = await run({});
    expect(end).toMatchObject({
      results: Results.FAILURE,
      summary: "no test results",
      reason: "no file in build matches *.xml: did the tests run?",
    });
    expect(logs["problems"]).toBe("no file in build matches *.xml: did the tests run?\n");
    expect(stored).toBeUndefined();
    expect((await run({}, { onNoFiles: "success" })).end.results).toBe(Results.SUCCESS);
  });

  it.each([
    ["no XML", "not at all", "a.xml: it is no XML (1:"],
    ["cut short", `<testsuite><testcase name="a"`, "a.xml: it is no XML (1:"],
    [
      "other XML",
      "<html><body/></html>",
      "a.xml: it is no JUnit XML: it begins with <html>, not with <testsuites> or <testsuite>",
    ],
    [
      "an entity of its own",
      `<!DOCTYPE t [<!ENTITY a "${"x".repeat(99)}">]><testsuite name="&a;"/>`,
      "a.xml: it is no XML (1:",
    ],
    [
      "an encoding that nobody knows",
      `<?xml version="1.0" encoding="klingon"?><testsuite/>`,
      'a.xml: nobody knows its encoding "klingon"',
    ],
    ["too large", `<testsuite>${" ".repeat(2000)}</testsuite>`, "a.xml: it is larger than 1000 bytes (maxFileSize)"],
  ])("fails because of a file that is %s, and stores what the others say", async (_, content, why) => {
    const good = report(`<testsuite><testcase name="works" classname="B"/></testsuite>`);
    const { end, logs, report: stored } = await run({ "a.xml": content, "b.xml": good }, { maxFileSize: 1000 });
    expect(end).toMatchObject({ results: Results.FAILURE, summary: "1 passed" });
    expect(end.reason).toContain(why);
    expect(logs["problems"]).toContain(why);
    expect(stored?.passed).toBe(1);
  });

  it("reads files in the encoding they say they have", async () => {
    const xml = `<testsuite><testcase name="größer" classname="Ü"/></testsuite>`;
    const latin = Buffer.from(`<?xml version="1.0" encoding="ISO-8859-1"?>${xml}`, "latin1");
    const wide = Buffer.from(`\ufeff<?xml version="1.0" encoding="UTF-16"?>${xml}`, "utf16le");
    for (const content of [xml, latin, wide])
      expect((await run({ "a.xml": content })).report?.results[0]?.name).toBe("Ü > größer");
  });

  it("removes what it has read, so that no later build reads it again, if that is asked for", async () => {
    const files = { "a.xml": "<testsuite/>", "b.xml": "nothing" };
    expect((await run(files)).removed).toEqual([]);
    expect((await run(files, { removeFiles: true })).removed).toEqual(["/w/b/build/a.xml", "/w/b/build/b.xml"]);
  });
});
