import { duration, type Result, Results, resultName } from "@multimaster/core";
import { z } from "zod";
import type { StepEnd } from "../../define-step.ts";
import type { CommandEnd, ShellCommand } from "../../step-context.ts";

const resultsByName = Object.fromEntries(Object.values(Results).map((code) => [resultName(code), code])) as Record<
  string,
  Result
>;

/** A result by name or code. */
export const resultOption = z
  .union([
    z.enum(["success", "warnings", "failure", "skipped", "exception", "retry", "cancelled"]),
    z.literal(Object.values(Results)),
  ])
  .transform((value) => (typeof value === "string" ? (resultsByName[value] as Result) : value));

const environment = z.record(z.string(), z.union([z.string(), z.array(z.string()), z.null()]));

/** Names that the worker uses for the program's own output. */
const streamNames = ["stdout", "stderr", "header"];

/** Of a watched file; buildbot-worker never ends a command that watches a directory. */
const watchedPath = z
  .string()
  .refine((path) => !/(^|[\\/])\.{0,2}$/.test(path), "must be the path of a file, not of a directory");

/** How a program runs on the worker, and what its return code means. */
export const programShape = {
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
    .record(z.string().regex(/^-?\d+$/, "must be a return code"), resultOption)
    .default({})
    .describe('Results of return codes, such as { 3: "warnings" }; otherwise 0 is success and any other failure.'),
  logfiles: z
    .record(
      z
        .string()
        .regex(/^(?=.*\S)[^\p{Cc}]{1,255}$/u, "must be the name of a log, of 1 to 255 characters in one line")
        .refine((name) => !streamNames.includes(name), `must not be ${streamNames.join(", ")}`),
      z.union([watchedPath, z.strictObject({ filename: watchedPath, follow: z.boolean().default(false) })]),
    )
    .default({})
    .describe("Files watched while it runs, by log name."),
  initialStdin: z
    .string()
    .nullable()
    .default(null)
    .describe("Written to the command's standard input, which is then closed; null: there is none."),
  usePTY: z
    .boolean()
    .default(false)
    .describe("Runs the command in a terminal, if the worker is buildbot-worker; our own worker has none."),
  wantStdout: z.boolean().default(true).describe("Keeps the standard output in the log."),
  wantStderr: z.boolean().default(true).describe("Keeps the standard error in the log."),
  logEnviron: z.boolean().default(false).describe("Writes the environment into the log's header."),
};

export type ProgramOptions = z.output<z.ZodObject<typeof programShape>>;

/** The worker's command for these options. */
export function toShellCommand(command: ShellCommand["command"], options: ProgramOptions): ShellCommand {
  return {
    command,
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
  };
}

/** The result of a program's end: a timeout is a failure, whatever the return code. */
export function judgeProgram(
  end: CommandEnd,
  options: Pick<ProgramOptions, "timeout" | "maxTime" | "maxLines" | "decodeRC">,
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
  return { results: options.decodeRC[String(end.rc)] ?? (end.rc === 0 ? Results.SUCCESS : Results.FAILURE) };
}

function toSeconds(ms: number | null): number | null {
  return ms === null ? null : ms / 1000;
}
