import { crc32 } from "node:zlib";
import { describe, expect, it } from "vitest";
import { createParser, type ReportFormat } from "./report-formats.ts";
import type { ReportedTest } from "./reported-test.ts";

/** Reads a file in pieces of some bytes. */
function read(format: ReportFormat, file: string | Buffer, size = 7) {
  const tests: ReportedTest[] = [];
  const parser = createParser(format, (test) => void tests.push(test));
  const bytes = Buffer.from(file as string);
  for (let at = 0; at < bytes.length; at += size) parser.write(bytes.subarray(at, at + size));
  parser.end();
  return { tests, contradictions: parser.contradictions };
}

const short = ({ name, outcome, message }: ReportedTest) => [outcome, name, message];

describe("TAP", () => {
  it("is read with directives, diagnostics, durations and the plan", () => {
    const { tests, contradictions } = read(
      "tap",
      `TAP version 14
1..6
ok 1 - adds
not ok 2 - divides
  ---
  duration_ms: 12.5
  message: by zero
  ...
ok 3 later # SKIP not on Windows
not ok 4 - soon # TODO write it
# a remark
not ok 5
# Failed test at a.t line 3
`,
    );
    expect(tests.map(short)).toEqual([
      ["pass", "adds", ""],
      ["fail", "divides", "duration_ms: 12.5\nmessage: by zero"],
      ["skip", "later", "not on Windows"],
      ["skip", "soon", "write it\na remark"],
      ["fail", "test 5", "Failed test at a.t line 3"],
    ]);
    expect(tests[1]?.durationNs).toBe(12_500_000);
    expect(contradictions).toEqual(["it plans 6 tests, and lists 5"]);
  });

  it("names subtests after the tests that they are of, which count only if they say more", () => {
    const { tests, contradictions } = read(
      "tap",
      `# Subtest: outer
    # Subtest: inner
        ok 1 - deep
        1..1
    ok 1 - inner
    not ok 2 - bad
    1..2
not ok 1 - outer
# Subtest: odd
    ok 1 - fine
    1..1
not ok 2 - odd
1..2
`,
    );
    expect(tests.map(short)).toEqual([
      ["pass", "outer > inner > deep", ""],
      ["fail", "outer > bad", ""],
      ["pass", "odd > fine", ""],
      ["fail", "odd", ""],
    ]);
    expect(contradictions).toEqual([]);
  });

  it("says when the tests gave up", () => {
    expect(read("tap", "ok 1\nBail out! no database\n").contradictions).toEqual(["the tests gave up: no database"]);
  });
});

describe("Go's JSON", () => {
  const events = (...list: object[]) =>
    list.map((event) => `${JSON.stringify({ Package: "m/p", ...event })}\n`).join("");

  it("is read with output of what failed; what only sums up counts once", () => {
    const { tests } = read(
      "go",
      events(
        { Action: "run", Test: "TestA" },
        { Action: "output", Test: "TestA", Output: "=== RUN   TestA\n" },
        { Action: "pass", Test: "TestA", Elapsed: 0.25 },
        { Action: "run", Test: "TestB/one" },
        { Action: "output", Test: "TestB/one", Output: "    b_test.go:7: no\n" },
        { Action: "fail", Test: "TestB/one", Elapsed: 0 },
        { Action: "fail", Test: "TestB", Elapsed: 0 },
        { Action: "skip", Test: "TestC" },
        { Action: "fail", Elapsed: 1 },
      ),
    );
    expect(tests.map(short)).toEqual([
      ["pass", "m/p.TestA", ""],
      ["fail", "m/p.TestB/one", "b_test.go:7: no"],
      ["skip", "m/p.TestC", ""],
    ]);
    expect(tests[0]?.durationNs).toBe(250_000_000);
  });

  it("reports a package that could not be built, and a test that did not end", () => {
    const built = events({ Action: "output", Output: "p.go:3: undefined: x\n" }, { Action: "fail" });
    expect(read("go", built).tests.map(short)).toEqual([["error", "m/p", "p.go:3: undefined: x"]]);
    const cut = events({ Action: "start" }, { Action: "run", Test: "TestA" }, { Action: "pass", Test: "TestA" });
    expect(read("go", cut).contradictions).toEqual(["it is cut short: it has no end of the package m/p"]);
    const hung = events({ Action: "run", Test: "TestHangs" });
    expect(read("go", hung).tests.map(short)).toEqual([["fail", "m/p.TestHangs", ""]]);
  });

  it("is refused when it is something else", () => {
    expect(() => read("go", "ok  m/p 0.1s\n")).toThrow("no line is an event");
  });
});

describe("GoogleTest", () => {
  it("is read as JSON", () => {
    const suite = {
      name: "Sum",
      testsuite: [
        { name: "Adds", classname: "Sum", status: "RUN", result: "COMPLETED", time: "0.5s", file: "sum.cc", line: 3 },
        { name: "Fails", classname: "Sum", status: "RUN", failures: [{ failure: "sum.cc:9\nExpected 1", type: "" }] },
        { name: "Later", status: "NOTRUN" },
      ],
    };
    const { tests, contradictions } = read("gtest", JSON.stringify({ tests: 4, testsuites: [suite] }));
    expect(tests.map(short)).toEqual([
      ["pass", "Sum.Adds", ""],
      ["fail", "Sum.Fails", "sum.cc:9\nExpected 1"],
      ["skip", "Sum.Later", ""],
    ]);
    expect(tests[0]).toMatchObject({ path: "sum.cc", line: 3, durationNs: 500_000_000 });
    expect(contradictions).toEqual(["it counts 4 tests, and lists 3"]);
  });

  it("is read as XML", () => {
    const file = '<testsuites><testsuite name="Sum"><testcase name="Adds" classname="Sum"/></testsuite></testsuites>';
    expect(read("gtest", file).tests.map(short)).toEqual([["pass", "Sum.Adds", ""]]);
  });

  it.each(["{", '{"a": 1}'])("is refused when it is something else: %s", (text) =>
    expect(() => read("gtest", text)).toThrow(/^it is not/),
  );
});

describe("NUnit, xUnit.net and Visual Studio", () => {
  it.each<[ReportFormat, string]>([
    [
      "nunit",
      `<test-run><filter><test>N.A</test></filter><test-suite><test-case fullname="N.A.Adds" result="Passed" duration="0.5"/>
       <test-case fullname="N.A.Fails" result="Failed"><failure><message><![CDATA[no]]></message><stack-trace>at A</stack-trace></failure></test-case>
       <test-case fullname="N.A.Throws" result="Failed" label="Error"><failure><message>oh</message></failure></test-case>
       <test-case fullname="N.A.Later" result="Skipped"><reason><message>soon</message></reason></test-case></test-suite></test-run>`,
    ],
    [
      "nunit",
      `<test-results><test-case name="N.A.Adds" executed="True" success="True" time="0.5"/>
       <test-case name="N.A.Fails" executed="True" success="False"><failure><message>no</message><stack-trace>at A</stack-trace></failure></test-case>
       <test-case name="N.A.Throws" executed="True" result="Error"><failure><message>oh</message></failure></test-case>
       <test-case name="N.A.Later" executed="False"><reason><message>soon</message></reason></test-case></test-results>`,
    ],
    [
      "nunit",
      `<assemblies><assembly><collection><test name="N.A.Adds" result="Pass" time="0.5"/>
       <test name="N.A.Fails" result="Fail"><failure><message>no</message><stack-trace>at A</stack-trace></failure></test>
       <test name="N.A.Throws" result="Error"><failure><message>oh</message></failure></test>
       <test name="N.A.Later" result="Skip"><reason>soon</reason></test></collection></assembly></assemblies>`,
    ],
    [
      "trx",
      `<TestRun xmlns="http://microsoft.com/schemas/VisualStudio/TeamTest/2010"><Results>
       <UnitTestResult testName="N.A.Adds" outcome="Passed" duration="00:00:00.5000000"/>
       <UnitTestResult testName="N.A.Fails" outcome="Failed"><Output><StdOut>x</StdOut><ErrorInfo><Message>no</Message><StackTrace>at A</StackTrace></ErrorInfo></Output></UnitTestResult>
       <UnitTestResult testName="N.A.Throws" outcome="Timeout"><Output><ErrorInfo><Message>oh</Message></ErrorInfo></Output></UnitTestResult>
       <UnitTestResult testName="N.A.Later" outcome="NotExecuted"><Output><ErrorInfo><Message>soon</Message></ErrorInfo></Output></UnitTestResult></Results></TestRun>`,
    ],
  ])("are read from their XML (%s)", (format, file) => {
    const { tests } = read(format, file);
    expect(tests.map(short)).toEqual([
      ["pass", "N.A.Adds", ""],
      ["fail", "N.A.Fails", "no\nat A"],
      ["error", "N.A.Throws", "oh"],
      ["skip", "N.A.Later", "soon"],
    ]);
    expect(tests[0]?.durationNs).toBe(500_000_000);
  });

  it("are refused when it is something else", () => {
    expect(() => read("trx", "<html/>")).toThrow("it begins with <html>");
    expect(() => read("nunit", `<test-run>${"<a>".repeat(300)}`)).toThrow("nested 256 levels deep");
  });
});

describe("subunit", () => {
  const number = (value: number) => {
    if (value < 0x40) return Buffer.from([value]);
    if (value < 0x4000) return Buffer.from([0x40 | (value >> 8), value & 0xff]);
    return Buffer.from([0x80 | (value >> 16), (value >> 8) & 0xff, value & 0xff]);
  };
  const text = (value: string) => Buffer.concat([number(Buffer.byteLength(value)), Buffer.from(value)]);

  /** A packet as version 2 has it. */
  function packet(testId: string, status: number, { seconds, file }: { seconds?: number; file?: string } = {}): Buffer {
    const flags = 0x2000 | 0x0800 | status | (seconds === undefined ? 0 : 0x0200) | (file === undefined ? 0 : 0x0060);
    const time = Buffer.alloc(4);
    if (seconds !== undefined) time.writeUInt32BE(seconds);
    const body = Buffer.concat([
      ...(seconds === undefined ? [] : [time, number(0)]),
      text(testId),
      ...(file === undefined ? [] : [text("text/plain"), text("traceback"), text(file)]),
    ]);
    const size = 3 + body.length + 4;
    // The length counts itself.
    const length = size + 1 < 0x40 ? number(size + 1) : number(size + 2);
    const head = Buffer.concat([Buffer.from([0xb3, flags >> 8, flags & 0xff]), length, body]);
    const sum = Buffer.alloc(4);
    sum.writeUInt32BE(crc32(head));
    return Buffer.concat([head, sum]);
  }

  it("of version 2 is read", () => {
    const file = Buffer.concat([
      packet("t.adds", 2, { seconds: 100 }),
      packet("t.adds", 3, { seconds: 102 }),
      packet("t.fails", 2),
      packet("t.fails", 0, { file: `no ${"x".repeat(100)}` }),
      packet("t.fails", 6),
      packet("t.later", 5),
      packet("t.ready", 4),
      packet("t.broken", 7),
      packet("t.hangs", 2, { seconds: 1 }),
    ]);
    const { tests } = read("subunit", file);
    expect(tests.map(short)).toEqual([
      ["pass", "t.adds", ""],
      ["fail", "t.fails", `no ${"x".repeat(100)}`],
      ["skip", "t.later", ""],
      // An unexpected success, and an expected failure.
      ["fail", "t.ready", ""],
      ["pass", "t.broken", ""],
      ["error", "t.hangs", "it did not end"],
    ]);
    expect(tests[0]?.durationNs).toBe(2_000_000_000);
  });

  it("that is damaged is refused", () => {
    const whole = packet("t.adds", 3);
    const wrong = Buffer.from(whole);
    wrong[6] = 0x7a;
    expect(() => read("subunit", wrong)).toThrow("checksum");
    expect(() => read("subunit", whole.subarray(0, -2))).toThrow("within a packet");
    expect(() => read("subunit", Buffer.concat([whole, Buffer.from("nonsense")]))).toThrow("no packet begins");
  });

  it("of version 1 is read", () => {
    const { tests } = read(
      "subunit",
      `time: 2026-01-01 10:00:00Z
test: adds
time: 2026-01-01 10:00:01Z
success: adds
test: fails
failure: fails [
no
]
skip: later [
soon
]
test: hangs
`,
    );
    expect(tests.map(short)).toEqual([
      ["pass", "adds", ""],
      ["fail", "fails", "no"],
      ["skip", "later", "soon"],
      ["error", "hangs", "it did not end"],
    ]);
    expect(tests[0]?.durationNs).toBe(1_000_000_000);
  });
});

describe("a file of any format", () => {
  it.each<ReportFormat>(["tap", "go", "gtest", "nunit", "trx", "subunit", "junit"])(
    "gives the same in pieces of any size, and ends with a sentence whatever it contains: %s",
    (format) => {
      let seed = 7;
      const random = () => (seed = (seed * 1103515245 + 12345) % 2147483648) / 2147483648;
      for (let i = 0; i < 200; i++) {
        const words = [
          "ok 1 - a\n",
          "    not ok\n",
          "1..2\n",
          '{"Action":"fail"}\n',
          "<test-run>",
          "\xb3",
          "]]>",
          "\0",
          "{",
        ];
        const file = Array.from({ length: 8 }, () => words[Math.floor(random() * words.length)]).join("");
        const outcome = (size: number) => {
          try {
            return read(format, Buffer.from(file, "latin1"), size);
          } catch (error) {
            expect((error as Error).name).toBe("BadReport");
            // XML's parser counts from the beginning of a piece.
            return (error as Error).message.replace(/\d+:\d+/, "");
          }
        };
        expect(outcome(1)).toEqual(outcome(1000));
      }
    },
  );
});
