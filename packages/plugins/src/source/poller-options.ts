import { duration } from "@multimaster/core";
import type { NewChange } from "@multimaster/data";
import { z } from "zod";
import type { ChangeSourceContext } from "../define-change-source.ts";
import { OptionRests } from "../option-functions.ts";
import { ProgramFailed } from "../run-program.ts";
import { type Running, startPolling } from "../running.ts";
import { revlinkOption } from "./commit-link.ts";

/** The options of every change source that asks a repository. */
export const pollerShape = {
  pollInterval: duration
    .pipe(z.number().min(100, "must be at least 100ms"))
    .prefault("1m")
    .describe("Time between two polls."),
  pollAtStart: z.boolean().default(true).describe("False: the first poll is one interval after the start."),
  buildOnFirstRun: z
    .boolean()
    .default(false)
    .describe("The very first poll adds a change for what is newest, instead of only recording it."),
  name: z
    .string()
    .min(1)
    .max(128)
    .optional()
    .describe("Unique in the cluster; derived from the repository when absent."),
  project: z.string().default("").describe("Project of its changes."),
  codebase: z.string().default("").describe("Codebase of its changes."),
  category: z.string().nullable().default(null).describe("Category of its changes."),
  revlink: revlinkOption,
  env: z.record(z.string(), z.string()).default({}).describe("Added to the program's environment."),
  timeout: duration.prefault("30m").describe("A command that takes longer is killed."),
};

export interface PollerOptions {
  readonly pollInterval: number;
  readonly pollAtStart: boolean;
}

/** Polls until it is stopped; what prevents it from finding changes is logged when it begins, and shown. */
export function pollRepository(
  ctx: ChangeSourceContext,
  { pollInterval, pollAtStart }: PollerOptions,
  { what, poll }: { what: string; poll(signal: AbortSignal): Promise<void> },
): Running {
  let said = "";
  const report = async (problem: string | null) => {
    if (problem !== null && problem !== said) ctx.log.warn({ changeSource: ctx.name }, problem);
    said = problem ?? "";
    await ctx.setProblem?.(problem);
  };
  return startPolling(ctx, {
    pollMs: pollInterval,
    atStart: pollAtStart,
    async poll(signal) {
      try {
        await poll(signal);
        await report(null);
      } catch (error) {
        if (!(error instanceof ProgramFailed || error instanceof OptionRests)) throw error;
        if (!signal.aborted) await report(`cannot poll ${what}: ${error.message}`);
      }
      return undefined;
    },
  });
}

/** Maximum number of changes, and of files in them, that one transaction adds. */
const maxChanges = 200;
const maxFiles = 2000;

/** Cuts what is reported into parts of bounded size; the changes of one revision stay together. */
export function* cutReports<T extends { readonly changes: readonly NewChange[] }>(
  revisions: readonly T[],
): Generator<T[]> {
  let part: T[] = [];
  let [changes, files] = [0, 0];
  for (const revision of revisions) {
    const more = revision.changes.reduce((sum, change) => sum + (change.files?.length ?? 0), 0);
    if (part.length > 0 && (changes + revision.changes.length > maxChanges || files + more > maxFiles)) {
      yield part;
      part = [];
      [changes, files] = [0, 0];
    }
    part.push(revision);
    changes += revision.changes.length;
    files += more;
  }
  if (part.length > 0) yield part;
}

/** Maximum number of files listed for one change; one further line has the number of the others. */
const maxListed = 10_000;

/** The files of a change as it lists them. */
export function limitFiles(files: readonly string[]): readonly string[] {
  if (files.length <= maxListed) return files;
  return [...files.slice(0, maxListed), `… and ${files.length - maxListed} more files`];
}

/** The most informative line of what a program of version control says of a failure. */
export function explainFailure(stderr: string, pattern: RegExp): string | undefined {
  const lines = stderr.split("\n").map((line) => line.trim());
  const line = lines.findLast((text) => pattern.test(text)) ?? lines.findLast((text) => text !== "");
  return line?.slice(0, 1000);
}
