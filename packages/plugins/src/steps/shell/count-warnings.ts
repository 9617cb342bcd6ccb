import { boundedPattern, Results } from "@multimaster/core";
import { z } from "zod";
import type { StepEnd } from "../../define-step.ts";
import type { StepContext } from "../../step-context.ts";
import { StepFailed } from "../../step-errors.ts";
import { readTextFile } from "../files/read-text-file.ts";
import { linePattern, whyNoLinePattern } from "./line-pattern.ts";

/** Different warnings that the log lists. */
const mostListed = 10_000;
/** Different warnings that are stored with the build, each with its file and line. */
const mostStored = 1000;
/** Bytes of a suppression file. */
const largestSuppressions = 64 * 1024;
/** Entries of a suppression file. */
const mostSuppressions = 200;

const suppression = z.strictObject({
  file: linePattern.optional().describe("Of warnings about a file whose name matches."),
  text: linePattern.optional().describe("Of warnings whose text matches."),
  lines: z.tuple([z.int(), z.int()]).optional().describe("Of warnings about these lines of the file, from and to."),
});
type Suppression = z.output<typeof suppression>;
type Pattern = ReturnType<typeof boundedPattern>;

interface CompiledSuppression {
  readonly file: Pattern | undefined;
  readonly text: Pattern | undefined;
  readonly lines: readonly [number, number] | undefined;
}

/** The options of steps that count warnings in the output of a program. */
export const warningShape = {
  suppressWarnings: z
    .array(suppression)
    .default([])
    .describe("Warnings that do not count: those that have all that an entry names."),
  suppressionFile: z
    .string()
    .optional()
    .describe(
      'A file on the worker with further ones, relative to workdir: lines such as "src/old : unused variable : 10-20"; "-" or nothing matches all.',
    ),
  maxWarnings: z.int().nonnegative().nullable().default(null).describe("More warnings than that are a failure."),
};

export interface WarningOptions {
  readonly pattern: string | RegExp;
  readonly workdir: string;
  readonly suppressWarnings: readonly Suppression[];
  readonly suppressionFile?: string | undefined;
  readonly maxWarnings: number | null;
}

/** Counts the warnings in the lines of a program's output. */
export class WarningCounter {
  #pattern: ReturnType<typeof boundedPattern>;
  #suppressions: readonly CompiledSuppression[];
  #max: number | null;
  #counts = new Map<string, number>();
  #total = 0;

  private constructor(options: WarningOptions, suppressions: readonly Suppression[]) {
    this.#pattern = boundedPattern(options.pattern);
    this.#suppressions = suppressions.map(({ file, text, lines }) => ({
      file: file === undefined ? undefined : boundedPattern(file),
      text: text === undefined ? undefined : boundedPattern(text),
      lines,
    }));
    this.#max = options.maxWarnings;
  }

  /** Reads the suppressions of the worker, if there are any. */
  static async create(ctx: StepContext, options: WarningOptions): Promise<WarningCounter> {
    const { suppressWarnings, suppressionFile, workdir } = options;
    if (suppressionFile === undefined) return new WarningCounter(options, suppressWarnings);
    const text = await readTextFile(ctx, ctx.path(workdir, suppressionFile), largestSuppressions);
    return new WarningCounter(options, [...suppressWarnings, ...parseSuppressions(text, suppressionFile)]);
  }

  readonly onLine = (line: string): void => {
    if (!this.#pattern.test(line) || this.#isSuppressed(line)) return;
    this.#total += 1;
    const seen = this.#counts.get(line);
    if (seen !== undefined || this.#counts.size < mostListed) this.#counts.set(line, (seen ?? 0) + 1);
  };

  /** Lists the warnings in a log, adds them to those of the build, and judges. */
  async finish(
    ctx: StepContext,
    end: Pick<StepEnd, "results" | "reason">,
  ): Promise<Pick<StepEnd, "results" | "reason">> {
    const before = ctx.properties.get(countProperty);
    if (this.#total > 0 || before === undefined)
      ctx.properties.set(countProperty, (typeof before === "number" ? before : 0) + this.#total);
    if (this.#total === 0) return end;
    const log = await ctx.log("warnings");
    for (const [line, count] of this.#counts)
      await log.write(count === 1 ? `${line}\n` : `${line}  [${count} times]\n`);
    await this.#annotate(ctx);
    if (end.results !== Results.SUCCESS && end.results !== Results.WARNINGS) return end;
    const counted = this.#total === 1 ? "1 warning" : `${this.#total} warnings`;
    if (this.#max === null || this.#total <= this.#max) return { results: Results.WARNINGS, reason: counted };
    return { results: Results.FAILURE, reason: `${counted}, more than ${this.#max} (maxWarnings)` };
  }

  /** Stores the warnings that name a file, by Buildbot's name for what is found in code: the build's page lists them. */
  async #annotate(ctx: StepContext): Promise<void> {
    const located = [...this.#counts.keys()].map(parseWarning).filter(({ file }) => file !== undefined);
    if (located.length === 0) return;
    await ctx.addTestResults({
      description: ctx.name,
      category: "code_issue",
      valueUnit: "message",
      passed: 0,
      failed: 0,
      results: located.slice(0, mostStored).map(({ file = "", line = null, text }) => ({
        name: null,
        path: file,
        line,
        durationNs: null,
        value: text.replace(/^[\s:,)\d]+/, "").slice(0, 1000),
      })),
    });
  }

  #isSuppressed(line: string): boolean {
    if (this.#suppressions.length === 0) return false;
    const warning = parseWarning(line);
    return this.#suppressions.some(
      ({ file, text, lines }) =>
        (file === undefined || (warning.file !== undefined && file.test(warning.file))) &&
        (text === undefined || text.test(warning.text)) &&
        (lines === undefined || isWithin(warning.line, lines)),
    );
  }
}

/** How many warnings the steps of a build have counted, by Buildbot's name. */
const countProperty = "warnings-count";

/** `src/main.c:12:5: warning: unused variable`, and the same with `(12)` for the line. */
const located = /^([^:()\s][^:()]*|[A-Za-z]:[^:()]+)[:(](\d+)/;

function parseWarning(line: string): { file?: string; line?: number; text: string } {
  const found = located.exec(line.slice(0, 1000));
  if (!found) return { text: line };
  return { file: String(found[1]), line: Number(found[2]), text: line.slice(found[0].length) };
}

function isWithin(line: number | undefined, [from, to]: readonly [number, number]): boolean {
  return line !== undefined && line >= from && line <= to;
}

/** Reads lines `file : text [: from-to]`, with empty ones and comments after `#`. Throws `StepFailed`. */
export function parseSuppressions(text: string, name: string): Suppression[] {
  const shownLines = text.split(/\r?\n/).map((line) => line.split(/(?:^|\s)#/)[0]?.trim() ?? "");
  const entries = shownLines.filter((line) => line !== "").length;
  // Who writes the code writes this file; each entry is tried on each warning.
  if (entries > mostSuppressions) throw new StepFailed(`${name}: it has more than ${mostSuppressions} entries`);
  return shownLines.flatMap((shown, i) => {
    if (shown === "") return [];
    const [file = "", pattern = "", lines = "", ...more] = shown.split(/\s+:(?=\s|$)/).map((part) => part.trim());
    const range = /^(\d+)(?:-(\d+))?$/.exec(lines);
    const problem =
      more.length > 0 || (lines !== "" && !range)
        ? 'must be "file : text" or "file : text : from-to"'
        : [file, pattern].map((part) => whyNoLinePattern(part)).find((each) => each !== undefined);
    if (problem !== undefined) throw new StepFailed(`${name}, line ${i + 1}: ${problem}`);
    return [
      {
        ...(isAll(file) ? {} : { file }),
        ...(isAll(pattern) ? {} : { text: pattern }),
        ...(range ? { lines: [Number(range[1]), Number(range[2] ?? range[1])] as [number, number] } : {}),
      },
    ];
  });
}

function isAll(pattern: string): boolean {
  return pattern === "" || pattern === "-";
}
