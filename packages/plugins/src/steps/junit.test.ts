import { Results } from "@multimaster/core";
import { describe, expect, it } from "vitest";
import type { StepDefinition } from "../define-step.ts";
import type { CommandOptions, StepContext, TestReport } from "../step-context.ts";
import junit from "./junit.ts";

const report = (cases: string) => `<?xml version="1.0" encoding="UTF-8"?><testsuites>${cases}</testsuites>`;

/** Runs the step over files by their path below the work directory; the worker sends them in small blocks. */
async function run(
  files: Record<string, string | Uint8Array>,
  more: Partial<Parameters<typeof junit>[0]> = {},
  blockSize = 37,
) {
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
      for (let at = 0; name === "upload_file" && at < bytes.length; at += at === 0 ? 200 : blockSize)
        await options.upload?.write(bytes.subarray(at, at + (at === 0 ? 200 : blockSize)));
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
  it("stores what the files report about each test, and the number of tests", async () => {
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
    ["no XML", "not at all", "a.xml: it is not XML (1:"],
    ["cut short", `<testsuite><testcase name="a"`, "a.xml: it is not XML (1:"],
    [
      "other XML",
      "<html><body/></html>",
      "a.xml: it is not JUnit XML: it begins with <html>, not with <testsuites> or <testsuite>",
    ],
    [
      "an entity of its own",
      `<!DOCTYPE t [<!ENTITY a "${"x".repeat(99)}">]><testsuite name="&a;"/>`,
      "a.xml: it is not XML (1:",
    ],
    [
      "an encoding that no one knows",
      `<?xml version="1.0" encoding="klingon"?><testsuite/>`,
      'a.xml: its encoding "klingon" is unknown',
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

  const good = `<testcase name="works" classname="B"/>`;

  it.each([
    [
      "a suite that could not be loaded",
      `<testsuite name="app" tests="0" errors="1"><error message="no module"/></testsuite>`,
      "app",
    ],
    [
      "a failure beside the suites",
      `<testsuite name="a">${good}</testsuite><failure>all is lost</failure>`,
      "the suite itself",
    ],
    [
      "a failure within something else of a test",
      `<testsuite><testcase name="t"><x><failure/></x></testcase></testsuite>`,
      "t",
    ],
    [
      "a failure after a test's own element closed",
      `<testsuite><testcase name="t"><x><error/></x><failure/></testcase></testsuite>`,
      "t",
    ],
    [
      "a test within a failed test",
      `<testsuite><testcase name="t"><failure/><testcase name="u"/></testcase></testsuite>`,
      "t",
    ],
  ])("is no success because of %s", async (_, suites, name) => {
    const { end, report: stored } = await run({ "a.xml": report(suites) });
    expect(end.results).toBe(Results.FAILURE);
    expect(stored?.results.filter(({ value }) => value !== "pass").map((test) => test.name)).toEqual([name]);
  });

  it.each([
    [
      "failures that it does not list",
      `<testsuite name="s" failures="2" errors="1">${good}</testsuite>`,
      'suite "s" counts 3 failures and errors, and lists 0',
    ],
    [
      "failures of all suites",
      `<testsuites failures="1"><testsuite>${good}</testsuite></testsuites>`,
      "counts 1 failures and errors, and lists 0",
    ],
    ["failed ones", `<testsuite failed="1">${good}</testsuite>`, "counts 1 failures and errors, and lists 0"],
    ["tests where there is none", `<testsuite tests="5"></testsuite>`, "counts 5 tests, and lists none"],
    ["nothing at all", "", "a.xml: it is empty"],
    ["half of itself", `<testsuite tests="1">${good}<testcase name="b"><fail`, "a.xml: it is not XML"],
  ])("does not succeed with a file that reports %s", async (_, content, reason) => {
    const { end } = await run({ "a.xml": content }, { onFailedTests: "success", onNoFiles: "success" });
    expect(end).toMatchObject({ results: Results.FAILURE, reason: expect.stringContaining(reason) });
  });

  it("is no success when no file lists a test, unless the config says so", async () => {
    const files = { "a.xml": "<testsuites/>", "b.xml": `<testsuite name="s"/>` };
    expect((await run(files)).end).toMatchObject({
      results: Results.FAILURE,
      summary: "no test results",
      reason: "the 2 files list no test: did the tests run?",
    });
    expect((await run(files, { onNoFiles: "success" })).end.results).toBe(Results.SUCCESS);
  });

  it.each([
    [
      "with skipped tests only",
      `<testsuite tests="2" skipped="2"><testcase name="a"><skipped/></testcase></testsuite>`,
    ],
    ["whose counts are of assertions", `<testsuite tests="17" failures="0">${good}</testsuite>`],
    [
      "whose failed test is another's, and is counted twice",
      `<testsuite failures="1"><testsuite failures="1" name="i"><testcase name="x"><failure/></testcase></testsuite></testsuite>`,
    ],
  ])("believes a file %s", async (_, content) => {
    expect((await run({ "a.xml": content }, { onFailedTests: "success" })).end.results).toBe(Results.SUCCESS);
  });

  it.each([
    ["raw", "a\u001b[31mred\u001b[0m\u0000"],
    ["as references", "a&#27;[31mred&#x1B;[0m&#0;"],
    ["in CDATA", "<![CDATA[a\u001b[31mred\u001b[0m\u0000]]>"],
  ])("goes on after characters that XML forbids, %s, and says so", async (_, text) => {
    const {
      end,
      logs,
      report: stored,
    } = await run({
      "a.xml": report(`<testsuite><testcase name="a"><failure>${text}</failure></testcase>${good}</testsuite>`),
    });
    expect(end).toEqual({ results: Results.FAILURE, summary: "1 passed, 1 failed" });
    expect(logs["failed tests"]).toContain("a\ufffd[31mred\ufffd[0m\ufffd");
    expect(logs["problems"]).toBe("a.xml: it contains characters that its format forbids, or that are not escaped\n");
    expect(stored?.passed).toBe(1);
  });

  it("goes on after what is not escaped, and leaves what is as it was", async () => {
    const { logs } = await run({
      "a.xml": report(
        `<testsuite><testcase name="a"><failure message="1 < 2 && x">if (a && b < 3) &lt;&amp;&#65; <![CDATA[a && b < c ]] ]]&gt;]]></failure></testcase></testsuite>`,
      ),
    });
    expect(logs["failed tests"]).toContain("1 < 2 && x\n    if (a && b < 3) <&A\n    a && b < c ]] ]]&gt;");
  });

  it.each(["utf-16", "UTF-16LE", "ISO-10646-UCS-2", "UTF-32", "ucs-4"])(
    "reads bytes that are called %s and are not",
    async (name) => {
      const xml = `<?xml version="1.0" encoding="${name}"?><testsuite><testcase name="größer"/></testsuite>`;
      expect((await run({ "a.xml": xml })).report?.results[0]?.name).toBe("größer");
    },
  );

  it.each([
    ["a blank line first", `\ufeff\r\n <?xml version="1.0" encoding="utf-16"?>`, "x", "bad"],
    ["entities of HTML", "", "a&nbsp;&eacute;", "bad"],
    ["references to what is no character", "", "&#99999999999;&#x110000;&#xD800;&#;&#xg;", "bad"],
    ["the end of CDATA elsewhere", "", "a ]]> <![CDATA[b ]]> c ]]]]>", "bad"],
    ["types in a name", "", "x", `Map<String, List<T>>.&get'`],
    ["marks of other places", "", `<!-- & ]]> < " <![CDATA[ --><?php a < b && ' ?>`, "a > b"],
  ])("lists each test of a file with %s", async (_, begin, text, name) => {
    const xml = `${begin}<testsuite>${good}<testcase name="${name}"><failure message='"<T>" ${name.replace("'", "")}'>${text}</failure></testcase>${good}</testsuite>`;
    for (const size of [1, 7, 10_000]) {
      const { end, report: stored } = await run({ "a.xml": xml }, {}, size);
      expect(end).toEqual({ results: Results.FAILURE, summary: "2 passed, 1 failed" });
      expect(stored?.results.map((test) => test.name)).toEqual(["B.works", name, "B.works"]);
    }
  });

  it.each([
    ["a status", `<testcase name="t" status="failed"/>`],
    ["a result", `<testcase name="t" status="run" result="FAILURE"/>`],
    ["an element in capitals", `<TestCase name="t"><Failure/></TestCase>`],
  ])("takes %s for a failure, and counts it once", async (_, test) => {
    const { end } = await run({ "a.xml": `<testsuite failures="1">${good}${test}</testsuite>` });
    expect(end).toEqual({ results: Results.FAILURE, summary: "1 passed, 1 failed" });
  });

  it("is not ended by elements within elements", async () => {
    const deep = `<testsuite>${"<a>".repeat(200_000)}`;
    const { end } = await run({ "a.xml": deep, "b.xml": report(`<testsuite>${good}</testsuite>`) }, {}, 64 * 1024);
    expect(end.reason).toContain("elements are nested 64 levels deep");
    expect(end.summary).toBe("1 passed");
  });

  it("cuts names, paths and messages, and keeps them whole where they are short", async () => {
    const long = "x".repeat(300_000);
    const { report: stored, logs } = await run(
      {
        "a.xml": `<testsuite><testcase name="${long}" file="${long}"><failure message="${long}"/></testcase></testsuite>`,
      },
      {},
      64 * 1024,
    );
    const [test] = stored?.results ?? [];
    expect([test?.name?.length, test?.path?.length, logs["failed tests"]?.length]).toEqual([
      1000,
      1000,
      expect.any(Number),
    ]);
    expect(logs["failed tests"]?.length).toBeLessThan(70_000);
  });

  it("stops a worker that sends more than it was asked for", async () => {
    let sent = 0;
    const endless = {
      name: "t",
      property: () => undefined,
      source: () => undefined,
      setState: () => {},
      path: (...parts: string[]) => parts.join("/"),
      async command(name: string, _: unknown, { upload }: CommandOptions) {
        if (name === "glob") return { rc: 0, files: ["a.xml"] };
        if (name !== "upload_file") return { rc: 1 };
        for (;;) {
          sent += 1000;
          await upload?.write(Buffer.alloc(1000, " "));
        }
      },
      log: async () => ({ write: async () => {} }),
      addTestResults: async () => {},
    } as unknown as StepContext;
    const options = { files: "*.xml", maxFileSize: 10_000 };
    const end = await (junit(options).plugin as StepDefinition).run(endless, options);
    expect(end).toMatchObject({
      results: Results.FAILURE,
      reason: "a.xml: it is larger than 10000 bytes (maxFileSize)",
    });
    expect(sent).toBe(11_000);
  });
});
