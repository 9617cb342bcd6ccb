import type { FileParser } from "./formats/file-parser.ts";
import { createParser, type ReportFormat } from "./formats/report-formats.ts";
import { BadReport, type ReportedTest } from "./formats/reported-test.ts";

/** The results of one block of a file. */
export interface ParsedPart {
  readonly tests: readonly ReportedTest[];
  /** What is wrong with the file; the rest is not read. */
  readonly problem: string | undefined;
}

/** The results at the end of a file. */
export interface ParsedEnd extends ParsedPart {
  /** Declared counts that differ from the actual ones. */
  readonly contradictions: readonly string[];
  /** Whether characters had to be replaced. */
  readonly mended: boolean;
}

/** Parses one file as a stream. */
export class ReportParser {
  #tests: ReportedTest[] = [];
  #parser: FileParser;
  #problem: string | undefined;

  constructor(format: ReportFormat) {
    this.#parser = createParser(format, (test) => void this.#tests.push(test));
  }

  write(block: Uint8Array): ParsedPart {
    return this.#parse(() => this.#parser.write(block));
  }

  end(): ParsedEnd {
    const part = this.#parse(() => this.#parser.end());
    return { ...part, contradictions: this.#parser.contradictions, mended: this.#parser.mended };
  }

  #parse(parse: () => void): ParsedPart {
    try {
      if (this.#problem === undefined) parse();
    } catch (error) {
      if (!(error instanceof BadReport)) throw error;
      this.#problem = error.message;
    }
    const tests = this.#tests;
    this.#tests = [];
    return { tests, problem: this.#problem };
  }
}
