import { XmlDecoder } from "./decode-xml.ts";
import { JunitParser, type JunitTest, NotJunit } from "./junit-parser.ts";
import { XmlMender } from "./mend-xml.ts";

/** The results of one block of a file. */
export interface ParsedPart {
  readonly tests: readonly JunitTest[];
  /** What is wrong with the file; the rest is not read. */
  readonly problem: string | undefined;
}

/** The results at the end of a file. */
export interface ParsedEnd extends ParsedPart {
  /** Declared counts that differ from the actual ones. */
  readonly contradictions: readonly string[];
  /** Whether the XML had to be corrected. */
  readonly mended: boolean;
}

/** Parses one file as a stream. */
export class ReportParser {
  #decoder = new XmlDecoder();
  #mender = new XmlMender();
  #tests: JunitTest[] = [];
  #parser = new JunitParser((test) => void this.#tests.push(test));
  #problem: string | undefined;

  write(block: Uint8Array): ParsedPart {
    return this.#parse(() => this.#parser.write(this.#mender.mend(this.#decoder.decode(block))));
  }

  end(): ParsedEnd {
    const part = this.#parse(() => {
      this.#parser.write(this.#mender.mend(this.#decoder.end()) + this.#mender.end());
      this.#parser.close();
    });
    return { ...part, contradictions: this.#parser.contradictions, mended: this.#mender.mended };
  }

  #parse(parse: () => void): ParsedPart {
    try {
      if (this.#problem === undefined) parse();
    } catch (error) {
      if (!(error instanceof NotJunit)) throw error;
      this.#problem = error.message;
    }
    const tests = this.#tests;
    this.#tests = [];
    return { tests, problem: this.#problem };
  }
}
