import { type Result, Results, worstResult } from "@multimaster/core";
import { z } from "zod";
import type { StepEnd } from "../../define-step.ts";
import type { StepContext } from "../../step-context.ts";
import { describeFailures } from "./describe-failures.ts";
import type { ReportFormat } from "./formats/report-formats.ts";
import type { ReportedTest } from "./formats/reported-test.ts";
import { readReports } from "./read-reports.ts";

const pattern = z.string().min(1);
const verdict = z.enum(["failure", "warnings", "success"]);

/** The options of steps that read files with results of tests. */
export const reportShape = {
  files: z
    .union([pattern, z.array(pattern).min(1)])
    .transform((files) => (typeof files === "string" ? [files] : files))
    .describe('Files, such as "reports/**/*.xml", relative to workdir.'),
  workdir: z.string().default("build").describe("Relative to the builder's directory on the worker."),
  suite: z.string().min(1).optional().describe("Name of the tests on the pages; the step's name by default."),
  onFailedTests: verdict.default("failure").describe("The step's result when a test failed."),
  onNoFiles: verdict.default("failure").describe("The step's result when there is no file, or no test in the files."),
  removeFiles: z
    .boolean()
    .default(false)
    .describe("Removes the files after reading, so that no later build reads them as its own."),
  maxFileSize: z
    .int()
    .positive()
    .default(64 * 1024 * 1024)
    .describe("Maximum bytes per file; a larger file is read only partly, and fails the step."),
};

const results = { failure: Results.FAILURE, warnings: Results.WARNINGS, success: Results.SUCCESS } as const;

type ReportOptions = z.output<z.ZodObject<typeof reportShape>> & { readonly description?: string | undefined };

/** Reads the files, stores their tests with the build, and judges. */
export async function storeResults(ctx: StepContext, format: ReportFormat, options: ReportOptions): Promise<StepEnd> {
  if (options.description === undefined) ctx.setState("reading test results");
  const { files: patterns, workdir, maxFileSize, removeFiles: remove } = options;
  const { files, tests, problems, notes } = await readReports(ctx, { format, patterns, workdir, maxFileSize, remove });
  if (tests.length === 0 && problems.length === 0) {
    const reason =
      files === 0
        ? `no file in ${workdir} matches ${patterns.join(" or ")}: did the tests run?`
        : `${files === 1 ? "the file lists" : `the ${files} files list`} no test: did the tests run?`;
    await writeLogs(ctx, [], [reason, ...notes]);
    return { results: results[options.onNoFiles], summary: "no test results", reason };
  }
  const count = (...outcomes: ReportedTest["outcome"][]) =>
    tests.filter((test) => outcomes.includes(test.outcome)).length;
  const [passed, failed, skipped] = [count("pass"), count("fail", "error"), count("skip")];
  await ctx.addTestResults({
    description: options.suite ?? ctx.name,
    category: "pass_fail",
    valueUnit: "outcome",
    passed,
    failed,
    results: tests.map(({ outcome: value, message: _, ...test }) => ({ ...test, value })),
  });
  await writeLogs(ctx, tests, [...problems, ...notes]);
  const judged: Result[] = [failed > 0 ? results[options.onFailedTests] : Results.SUCCESS];
  if (problems.length > 0) judged.push(Results.FAILURE);
  return {
    results: judged.reduce(worstResult),
    summary: summarize(passed, failed, skipped),
    ...(problems[0] === undefined ? {} : { reason: describeProblems(problems[0], problems.length - 1) }),
  };
}

async function writeLogs(ctx: StepContext, tests: readonly ReportedTest[], problems: readonly string[]): Promise<void> {
  if (problems.length > 0) await (await ctx.log("problems")).write(`${problems.join("\n")}\n`);
  const failures = tests.filter(({ outcome }) => outcome === "fail" || outcome === "error");
  if (failures.length === 0) return;
  const log = await ctx.log("failed tests");
  for (const text of describeFailures(failures)) await log.write(text);
}

/** "312 passed, 2 failed, 4 skipped". */
function summarize(passed: number, failed: number, skipped: number): string {
  if (passed + failed + skipped === 0) return "no tests";
  const parts = [`${passed} passed`];
  if (failed > 0) parts.push(`${failed} failed`);
  if (skipped > 0) parts.push(`${skipped} skipped`);
  return parts.join(", ");
}

function describeProblems(first: string, more: number): string {
  if (more === 0) return first;
  return `${first}; ${more === 1 ? "one more problem" : `${more} more problems`}`;
}
