import { append } from "@multimaster/core";
import type { StepContext, UploadHandler } from "../../step-context.ts";
import { escapeDirectory } from "../files/escape-directory.ts";
import { readFile } from "../files/read-file.ts";
import type { ReportFormat } from "./formats/report-formats.ts";
import type { ReportedTest } from "./formats/reported-test.ts";
import type { ParsedPart } from "./parse-report.ts";
import { Parsing, ParsingFailed } from "./parsing.ts";

/** Limits of one step for all of its files. */
const mostFiles = 5000;
const mostTests = 200_000;
const mostBytes = 512 * 1024 * 1024;
/** Total length of the names and paths of tests. */
const mostNames = 64 * 1024 * 1024;
/** Total length of failure messages; of further ones only the beginning is kept. */
const mostText = 16 * 1024 * 1024;
const beginning = 500;

export interface Reports {
  /** The number of files found. */
  files: number;
  tests: ReportedTest[];
  /** Messages about files that could not be read completely, or contradict themselves. */
  problems: string[];
  /** Messages about errors without consequences. */
  notes: string[];
}

export interface ReportsOptions {
  format: ReportFormat;
  patterns: readonly string[];
  workdir: string;
  maxFileSize: number;
  remove: boolean;
}

/** Reads all files that match the patterns on the worker, in the order of their names. */
export async function readReports(ctx: StepContext, options: ReportsOptions): Promise<Reports> {
  const reports: Reports = { files: 0, tests: [], problems: [], notes: [] };
  const paths = await findFiles(ctx, options, reports.problems);
  reports.files = paths.length;
  const base = ctx.path(options.workdir);
  const collected = new Collected(reports);
  const parsing = new Parsing(options.format);
  try {
    for (const path of paths) {
      const name = path.startsWith(base) ? path.slice(base.length + 1) : path;
      const reader = new ReportReader(options.maxFileSize, collected, parsing);
      const { problems, mended } = await readReport(ctx, path, options.maxFileSize, reader);
      append(
        reports.problems,
        problems.map((problem) => `${name}: ${problem}`),
      );
      if (mended)
        reports.notes.push(`${name}: it contains characters that its format forbids, or that are not escaped`);
      if (options.remove) await ctx.command("rmfile", { path }, { log: null });
    }
  } finally {
    await parsing.drop();
  }
  return reports;
}

async function findFiles(
  ctx: StepContext,
  { patterns, workdir }: ReportsOptions,
  problems: string[],
): Promise<string[]> {
  const found = new Set<string>();
  const base = ctx.path(workdir);
  for (const pattern of patterns) {
    const path = escapeDirectory(base, ctx.path(workdir, pattern));
    const { files, rc } = await ctx.command("glob", { path }, { log: null });
    if (rc !== 0) problems.push(`${pattern}: the worker could not list files (code ${rc})`);
    for (const file of files) found.add(file);
  }
  const all = [...found].sort();
  if (all.length > mostFiles) problems.push(`only the first ${mostFiles} of ${all.length} files are read`);
  return all.slice(0, mostFiles);
}

/** The tests of all files of the step, up to the limits. */
class Collected {
  #reports: Reports;
  #bytes = 0;
  #names = 0;
  #messages = 0;

  constructor(reports: Reports) {
    this.#reports = reports;
  }

  /** Counts bytes read; returns a message when there are too many. */
  count(bytes: number): string | undefined {
    this.#bytes += bytes;
    return this.#bytes > mostBytes ? `only ${mostBytes} bytes of all files are read` : undefined;
  }

  /** Adds the tests of a part; returns a message when there are too many. */
  add(tests: readonly ReportedTest[]): string | undefined {
    const { tests: taken } = this.#reports;
    for (const test of tests) {
      this.#names += test.name.length + (test.path?.length ?? 0);
      if (taken.length >= mostTests || this.#names > mostNames)
        return `only the first ${taken.length} tests are stored`;
      if (this.#messages > mostText) test.message = test.message.slice(0, beginning);
      this.#messages += test.message.length;
      taken.push(test);
    }
    return undefined;
  }
}

/** Reads one file; returns what is wrong with it. */
async function readReport(
  ctx: StepContext,
  path: string,
  maxSize: number,
  reader: ReportReader,
): Promise<{ problems: readonly string[]; mended: boolean }> {
  let refused: string | undefined;
  try {
    refused = await readFile(ctx, path, { maxsize: maxSize + 1, log: null }, reader);
  } catch (error) {
    if (reader.problem === undefined) throw error;
  }
  return reader.end(refused);
}

/** Further data of the worker is refused. */
class NoMore extends Error {
  override name = "NoMore";
}

/** Parses a file while it arrives, so that no file is in memory as a whole. */
class ReportReader implements UploadHandler {
  problem: string | undefined;
  #maxSize: number;
  #collected: Collected;
  #parsing: Parsing;
  #size = 0;

  constructor(maxSize: number, collected: Collected, parsing: Parsing) {
    this.#maxSize = maxSize;
    this.#collected = collected;
    this.#parsing = parsing;
  }

  /** Refuses further data after an error, so that a worker that keeps sending has no effect. */
  async write(block: Uint8Array): Promise<void> {
    this.#size += block.length;
    if (this.#size > this.#maxSize) this.problem = `it is larger than ${this.#maxSize} bytes (maxFileSize)`;
    this.problem ??= this.#collected.count(block.length);
    if (this.problem === undefined) await this.#parse(() => this.#parsing.write(block));
    if (this.problem !== undefined) throw new NoMore(this.problem);
  }

  /** `refused`: why the worker did not send all of it. */
  async end(refused: string | undefined): Promise<{ problems: readonly string[]; mended: boolean }> {
    this.problem ??= refused?.replace(/\.$/, "");
    if (this.problem === undefined && this.#size === 0) this.problem = "it is empty";
    const end = this.problem === undefined ? await this.#parse(() => this.#parsing.end()) : undefined;
    if (this.problem !== undefined) {
      await this.#parsing.drop();
      return { problems: [this.problem], mended: false };
    }
    return { problems: end?.contradictions ?? [], mended: end?.mended ?? false };
  }

  async #parse<Part extends ParsedPart>(ask: () => Promise<Part>): Promise<Part | undefined> {
    try {
      const part = await ask();
      const tooMany = this.#collected.add(part.tests);
      this.problem = part.problem ?? tooMany;
      return part;
    } catch (error) {
      if (!(error instanceof ParsingFailed)) throw error;
      this.problem = error.message;
      return undefined;
    }
  }
}
