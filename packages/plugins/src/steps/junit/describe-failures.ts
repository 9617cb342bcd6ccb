import type { JunitTest } from "./junit-parser.ts";

/** How much is told of them all. */
const mostText = 4 * 1024 * 1024;

/** What a log says of failed tests, one after the other. */
export function* describeFailures(tests: readonly JunitTest[]): Generator<string> {
  let told = 0;
  for (const [i, test] of tests.entries()) {
    if (told > mostText) {
      yield `… and ${tests.length - i} more failed tests; the files say why.\n`;
      return;
    }
    const text = describe(test);
    told += text.length;
    yield text;
  }
}

function describe({ name, path, line, durationNs, outcome, message }: JunitTest): string {
  const where = path === null ? "" : ` (${path}${line === null ? "" : `:${line}`})`;
  const took = durationNs === null ? "" : `, ${(durationNs / 1e9).toFixed(2)} s`;
  const why = message === "" ? "it does not say why" : message;
  const indented = why.split(/\r?\n/).map((each) => `    ${each}`);
  return `${outcome === "error" ? "ERROR" : "FAIL"} ${name}${where}${took}\n${indented.join("\n")}\n\n`;
}
