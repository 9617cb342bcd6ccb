import { boundedPattern, duration, type Result, Results, resultName } from "@multimaster/core";
import { z } from "zod";
import { defineStep, type StepEnd } from "../define-step.ts";
import type { CommandEnd } from "../step-context.ts";
import { commandOption } from "../step-options.ts";

const resultsByName = Object.fromEntries(Object.values(Results).map((code) => [resultName(code), code])) as Record<
  string,
  Result
>;

const result = z
  .union([
    z.enum(["success", "warnings", "failure", "skipped", "exception", "retry", "cancelled"]),
    z.literal(Object.values(Results)),
  ])
  .transform((value) => (typeof value === "string" ? (resultsByName[value] as Result) : value));

const environment = z.record(z.string(), z.union([z.string(), z.array(z.string()), z.null()]));

/** Maximum length of a word of the command in the step's state. */
const longestWord = 100;

/** Names that the worker uses for the program's own output. */
const streamNames = ["stdout", "stderr", "header"];

const options = z.object({
  command: commandOption,
  workdir: z.string().default("build").describe("Relative to the builder's directory on the worker."),
  env: environment.default({}).describe("Added to the builder's environment; null removes a variable."),
  timeout: duration
    .nullable()
    .prefault("20m")
    .describe("The command is killed after this long without output; null: never."),
  maxTime: duration.nullable().default(null).describe("The command is killed after this long."),
  maxLines: z
    .int()
    .positive()
    .nullable()
    .default(null)
    .describe("The command is killed after this many lines of output."),
  sigtermTime: duration
    .nullable()
    .default(null)
    .describe("Time between SIGTERM and the final signal; null: no SIGTERM."),
  interruptSignal: z
    .string()
    .regex(/^[A-Z0-9]+$/, 'must be a signal without SIG, such as "KILL"')
    .default("KILL")
    .describe("Signal that interrupts a command, without SIG."),
  decodeRC: z
    .record(z.string().regex(/^-?\d+$/, "must be a return code"), result)
    .default({})
    .describe('Results of return codes, such as { 3: "warnings" }; otherwise 0 is success and any other failure.'),
  warningPattern: z
    .union([z.string(), z.instanceof(RegExp)])
    .superRefine((pattern, ctx) => {
      const problem = whyNoLinePattern(pattern);
      if (problem !== undefined) ctx.addIssue({ code: "custom", message: problem });
    })
    .optional()
    .describe("If a line of output matches, a success becomes warnings."),
  logfiles: z
    .record(
      z.string().refine((name) => !streamNames.includes(name), `must not be ${streamNames.join(", ")}`),
      z.union([z.string(), z.strictObject({ filename: z.string(), follow: z.boolean().default(false) })]),
    )
    .default({})
    .describe("Files watched while it runs, by log name."),
  initialStdin: z
    .string()
    .nullable()
    .default(null)
    .describe("Written to the command's standard input, which is then closed; null: there is none."),
  usePTY: z.boolean().default(false).describe("Runs the command in a terminal."),
  wantStdout: z.boolean().default(true).describe("Keeps the standard output in the log."),
  wantStderr: z.boolean().default(true).describe("Keeps the standard error in the log."),
  logEnviron: z.boolean().default(false).describe("Writes the environment into the log's header."),
});

/** Runs a command on the worker: `shell({ command: "make all" })` or `shell({ command: ["make", "all"] })`. */
export default defineStep({
  type: "shell",
  options,
  // Warnings occur only if the options request them, so they show on the build unless the config says otherwise.
  rules: { warnOnWarnings: true },
  resumable: true,
  async run(ctx, options): Promise<StepEnd> {
    const summary = summarizeCommand(options.command);
    if (options.description === undefined) ctx.setState(summary);
    const pattern = options.warningPattern === undefined ? undefined : boundedPattern(options.warningPattern);
    let warnings = 0;
    const end = await ctx.shell(
      {
        command: options.command,
        workdir: options.workdir,
        env: options.env,
        timeout: toSeconds(options.timeout),
        maxTime: toSeconds(options.maxTime),
        maxLines: options.maxLines,
        sigtermTime: toSeconds(options.sigtermTime),
        interruptSignal: options.interruptSignal,
        logfiles: options.logfiles,
        initialStdin: options.initialStdin,
        usePTY: options.usePTY,
        wantStdout: options.wantStdout,
        wantStderr: options.wantStderr,
        logEnviron: options.logEnviron,
      },
      pattern === undefined ? {} : { onLine: (line) => void (pattern.test(line) && warnings++) },
    );
    return { summary, ...judge(end, options, warnings) };
  },
});

/** The result of a command's end: a timeout is a failure, whatever the return code. */
function judge(
  end: CommandEnd,
  options: {
    timeout: number | null;
    maxTime: number | null;
    maxLines: number | null;
    decodeRC: Readonly<Record<string, Result>>;
  },
  warnings: number,
): Pick<StepEnd, "results" | "reason"> {
  switch (end.failureReason) {
    case undefined:
      break;
    case "timeout_without_output":
      return { results: Results.FAILURE, reason: `timed out: ${toSeconds(options.timeout)} s without output` };
    case "timeout":
      return { results: Results.FAILURE, reason: `timed out: ran longer than ${toSeconds(options.maxTime)} s` };
    case "max_lines_failure":
      return { results: Results.FAILURE, reason: `more than ${options.maxLines} lines of output` };
    default:
      return { results: Results.FAILURE, reason: end.failureReason };
  }
  const results = options.decodeRC[String(end.rc)] ?? (end.rc === 0 ? Results.SUCCESS : Results.FAILURE);
  if (results !== Results.SUCCESS || warnings === 0) return { results };
  return { results: Results.WARNINGS, reason: warnings === 1 ? "1 warning" : `${warnings} warnings` };
}

/** `'make all'`, or `'make -j8 ...'` for more than two words; a long word is truncated. */
function summarizeCommand(command: string | readonly string[]): string {
  const words = typeof command === "string" ? command.slice(0, 1000).trim().split(/\s+/) : command;
  const shown = words
    .slice(0, 2)
    .map((word) => (word.length > longestWord ? `${cutWord(word)}…` : word))
    .join(" ");
  return words.length > 2 ? `'${shown} ...'` : `'${shown}'`;
}

/** Never between the halves of a character. */
function cutWord(word: string): string {
  const isHalf = /[\ud800-\udbff]/.test(word[longestWord - 1] ?? "");
  return word.slice(0, isHalf ? longestWord - 1 : longestWord);
}

/** The code that is built writes the output, without limit: only a linear pattern may read it. */
function whyNoLinePattern(pattern: string | RegExp): string | undefined {
  try {
    const { notLinear } = boundedPattern(pattern);
    return notLinear === undefined
      ? undefined
      : `has ${notLinear}, so that one line of output could block the engine for long; write it without that`;
  } catch (error) {
    return `is not a regular expression: ${error instanceof Error ? error.message : String(error)}`;
  }
}

function toSeconds(ms: number | null): number | null {
  return ms === null ? null : ms / 1000;
}
