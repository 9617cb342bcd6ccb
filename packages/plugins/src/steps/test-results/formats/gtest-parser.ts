import { TextDecoder } from "node:util";
import { z } from "zod";
import type { FileParser } from "./file-parser.ts";
import { JunitParser } from "./junit-parser.ts";
import { readSeconds } from "./read-seconds.ts";
import { BadReport, createTest, type ReportedTest, toNanoseconds } from "./reported-test.ts";
import { XmlFormat } from "./xml-format.ts";

const report = z.object({
  tests: z.number().optional(),
  testsuites: z.array(
    z.object({
      name: z.string().default(""),
      testsuite: z
        .array(
          z.object({
            name: z.string(),
            classname: z.string().optional(),
            file: z.string().optional(),
            line: z.number().optional(),
            time: z.string().optional(),
            status: z.string().optional(),
            result: z.string().optional(),
            failures: z.array(z.object({ failure: z.string().default("") })).optional(),
          }),
        )
        .default([]),
    }),
  ),
});

/** Reads what `--gtest_output` of GoogleTest writes: its JSON as a whole, or its XML, which is JUnit's. */
export class GtestParser implements FileParser {
  #onTest: (test: ReportedTest) => void;
  #xml: XmlFormat | undefined;
  #decoder = new TextDecoder("utf-8");
  #text: string[] | undefined;
  readonly #contradictions: string[] = [];

  constructor(onTest: (test: ReportedTest) => void) {
    this.#onTest = onTest;
  }

  write(block: Uint8Array): void {
    if (this.#text === undefined && this.#xml === undefined) {
      const first = Buffer.from(block).toString("latin1").trimStart()[0];
      if (first === "{") this.#text = [];
      else this.#xml = new XmlFormat(new JunitParser(this.#onTest));
    }
    if (this.#xml) this.#xml.write(block);
    else this.#text?.push(this.#decoder.decode(block, { stream: true }));
  }

  end(): void {
    if (this.#xml) this.#xml.end();
    else this.#readJson([...(this.#text ?? []), this.#decoder.decode()].join(""));
  }

  get contradictions(): readonly string[] {
    return this.#xml?.contradictions ?? this.#contradictions;
  }

  get mended(): boolean {
    return this.#xml?.mended ?? false;
  }

  #readJson(text: string): void {
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch (error) {
      throw new BadReport(`it is not JSON (${error instanceof Error ? error.message.slice(0, 200) : String(error)})`);
    }
    const parsed = report.safeParse(value);
    if (!parsed.success) throw new BadReport("it is not what GoogleTest writes: it has no list of testsuites");
    let count = 0;
    for (const suite of parsed.data.testsuites)
      for (const { name, classname, file, line, time, status, result, failures = [] } of suite.testsuite) {
        count += 1;
        const isSkipped = status === "NOTRUN" || result === "SKIPPED" || result === "SUPPRESSED";
        const outcome = failures.length > 0 ? "fail" : isSkipped ? "skip" : "pass";
        this.#onTest(
          createTest(`${classname ?? suite.name}.${name}`, outcome, {
            path: file ?? null,
            line: line ?? null,
            durationNs: toNanoseconds(readSeconds(time?.replace(/s$/, ""))),
            message: failures.map(({ failure }) => failure).join("\n"),
          }),
        );
      }
    const { tests } = parsed.data;
    if (tests !== undefined && tests > count) this.#contradictions.push(`it counts ${tests} tests, and lists ${count}`);
  }
}
