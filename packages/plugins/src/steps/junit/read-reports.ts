import type { StepContext, UploadHandler } from "../../step-context.ts";
import { XmlDecoder } from "./decode-xml.ts";
import { JunitParser, type JunitTest, NotJunit } from "./junit-parser.ts";

/** What one step takes at most, in all its files. */
const mostTests = 200_000;
/** All that failed tests say of why; of those after that only the beginning is kept. */
const mostText = 16 * 1024 * 1024;
const beginning = 500;

export interface Reports {
  /** How many files there were. */
  files: number;
  /** Length of all messages. */
  told: number;
  tests: JunitTest[];
  /** Sentences about files that could not be read, or not whole. */
  problems: string[];
}

export interface ReportsOptions {
  patterns: readonly string[];
  workdir: string;
  maxFileSize: number;
  remove: boolean;
}

/** Reads all JUnit files that the patterns find on the worker, in the order of their names. */
export async function readReports(ctx: StepContext, options: ReportsOptions): Promise<Reports> {
  const paths = await findFiles(ctx, options);
  const reports: Reports = { files: paths.length, told: 0, tests: [], problems: [] };
  const base = ctx.path(options.workdir);
  for (const path of paths) {
    const name = path.startsWith(base) ? path.slice(base.length + 1) : path;
    const problem = await readFile(ctx, path, options.maxFileSize, reports);
    if (problem !== undefined) reports.problems.push(`${name}: ${problem}`);
    if (options.remove) await ctx.command("rmfile", { path }, { log: null });
  }
  return reports;
}

async function findFiles(ctx: StepContext, { patterns, workdir }: ReportsOptions): Promise<string[]> {
  const found = new Set<string>();
  for (const pattern of patterns) {
    const { files } = await ctx.command("glob", { path: ctx.path(workdir, pattern) }, { log: null });
    for (const file of files) found.add(file);
  }
  return [...found].sort();
}

/** Adds the tests of one file; gives what is wrong with it. */
async function readFile(
  ctx: StepContext,
  path: string,
  maxSize: number,
  reports: Reports,
): Promise<string | undefined> {
  const reader = new ReportReader(maxSize, reports);
  // Python's worker refuses a file of exactly the size that is allowed.
  const { rc } = await ctx.command("upload_file", { path, maxsize: maxSize + 1 }, { log: null, upload: reader });
  return reader.end(rc === 0);
}

/** Parses a file while it comes, so that none is held whole. */
class ReportReader implements UploadHandler {
  #maxSize: number;
  #decoder = new XmlDecoder();
  #parser: JunitParser;
  #size = 0;
  #problem: string | undefined;

  constructor(maxSize: number, reports: Reports) {
    this.#maxSize = maxSize;
    this.#parser = new JunitParser((test) => {
      if (reports.tests.length >= mostTests) throw new NotJunit(`only the first ${mostTests} tests are taken`);
      if (reports.told > mostText) test.message = test.message.slice(0, beginning);
      reports.told += test.message.length;
      reports.tests.push(test);
    });
  }

  async write(block: Uint8Array): Promise<void> {
    this.#size += block.length;
    this.#try(() => this.#parser.write(this.#decoder.decode(block)));
  }

  end(isRead: boolean): string | undefined {
    if (this.#size > this.#maxSize) return `it is larger than ${this.#maxSize} bytes (maxFileSize)`;
    if (!isRead) return "the worker could not read it";
    this.#try(() => {
      this.#parser.write(this.#decoder.end());
      this.#parser.close();
    });
    return this.#problem;
  }

  /** What comes after something that is wrong is not looked at. */
  #try(parse: () => void): void {
    if (this.#problem !== undefined) return;
    try {
      parse();
    } catch (error) {
      if (!(error instanceof NotJunit)) throw error;
      this.#problem = error.message;
    }
  }
}
