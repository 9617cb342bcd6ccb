import type { ReportedTest } from "./formats/reported-test.ts";

/** Maximum length of all descriptions together. */
const mostText = 4 * 1024 * 1024;

/** Describes failed tests for a log, one after the other. */
export function* describeFailures(tests: readonly ReportedTest[]): Generator<string> {
  let written = 0;
  for (const [i, test] of tests.entries()) {
    if (written > mostText) {
      yield `… and ${tests.length - i} more failed tests; see the files.\n`;
      return;
    }
    const text = describe(test);
    written += text.length;
    yield text;
  }
}

function describe({ name, path, line, durationNs, outcome, message }: ReportedTest): string {
  const where = path === null ? "" : ` (${path}${line === null ? "" : `:${line}`})`;
  const took = durationNs === null ? "" : `, ${(durationNs / 1e9).toFixed(2)} s`;
  const why = message === "" ? "no message" : message;
  const indented = why.split(/\r?\n/).map((each) => `    ${each}`);
  return `${outcome === "error" ? "ERROR" : "FAIL"} ${name}${where}${took}\n${indented.join("\n")}\n\n`;
}
