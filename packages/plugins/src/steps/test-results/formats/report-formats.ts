import type { FileParser } from "./file-parser.ts";
import { GoParser } from "./go-parser.ts";
import { GtestParser } from "./gtest-parser.ts";
import { JunitParser } from "./junit-parser.ts";
import { NunitParser } from "./nunit-parser.ts";
import type { ReportedTest } from "./reported-test.ts";
import { SubunitParser } from "./subunit-parser.ts";
import { TapParser } from "./tap-parser.ts";
import { TextFormat } from "./text-format.ts";
import { XmlFormat } from "./xml-format.ts";

type OnTest = (test: ReportedTest) => void;

const parsers = {
  junit: (onTest: OnTest) => new XmlFormat(new JunitParser(onTest)),
  nunit: (onTest: OnTest) => new XmlFormat(new NunitParser(onTest)),
  trx: (onTest: OnTest) => new XmlFormat(new NunitParser(onTest)),
  tap: (onTest: OnTest) => new TextFormat(new TapParser(onTest)),
  go: (onTest: OnTest) => new TextFormat(new GoParser(onTest)),
  gtest: (onTest: OnTest) => new GtestParser(onTest),
  subunit: (onTest: OnTest) => new SubunitParser(onTest),
};

export type ReportFormat = keyof typeof parsers;
export const reportFormats = Object.keys(parsers) as ReportFormat[];

/** A parser for one file, which calls `onTest` with each test. */
export function createParser(format: ReportFormat, onTest: OnTest): FileParser {
  return parsers[format](onTest);
}
