import { XmlDecoder } from "./decode-xml.ts";
import { JunitParser, type JunitTest, NotJunit } from "./junit-parser.ts";
import { XmlMender } from "./mend-xml.ts";

/** What one file has told since it was asked last. */
export interface ParsedPart {
  readonly tests: readonly JunitTest[];
  /** What is wrong with the file; nothing after it is read. */
  readonly problem: string | undefined;
}

/** What is known when the file has ended. */
export interface ParsedEnd extends ParsedPart {
  /** What it says of itself and does not keep. */
  readonly contradictions: readonly string[];
  /** Whether it had to be mended to be XML. */
  readonly mended: boolean;
}

/** Parses one file as it comes. */
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
