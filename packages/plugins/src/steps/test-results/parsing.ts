import { Worker } from "node:worker_threads";
import { systemClock } from "@multimaster/core";
import type { ReportFormat } from "./formats/report-formats.ts";
import type { ParsedEnd, ParsedPart } from "./parse-report.ts";
import type { ParseAnswer, ParseRequest } from "./parse-thread.ts";

/** The thread ran out of memory or time, or failed. The message says what is wrong with the file. */
export class ParsingFailed extends Error {
  override name = "ParsingFailed";
}

/** A thread runs compiled code: from TypeScript source (in tests) it uses the build output, so build first. */
const entry = new URL(
  import.meta.url
    .replace("/src/steps/test-results/parsing.ts", "/dist/steps/test-results/parsing.js")
    .replace(/parsing\.js$/, "parse-thread.js"),
);

const usual = { maxOldGenerationSizeMb: 256, maxYoungGenerationSizeMb: 32, stackSizeMb: 4 };
/** Timeout for one block, on a machine that is busy with builds. */
const usualDeadlineMs = 60_000;

/**
 * Parses files in a separate thread: whatever a build has written, the engine's event loop continues and its memory is safe.
 * A failed thread is replaced by a new one.
 */
export class Parsing {
  #format: ReportFormat;
  #limits: typeof usual;
  #deadlineMs: number;
  #thread: Worker | undefined;
  #asked: { resolve(answer: ParseAnswer): void; reject(error: Error): void } | undefined;

  constructor(format: ReportFormat, { limits = usual, deadlineMs = usualDeadlineMs } = {}) {
    this.#format = format;
    this.#limits = limits;
    this.#deadlineMs = deadlineMs;
  }

  /** Rejects with ParsingFailed. Blocks come one at a time. */
  write(block: Uint8Array): Promise<ParsedPart> {
    return this.#ask({ kind: "write", block: Uint8Array.from(block) });
  }

  /** Ends the file; the next block belongs to another one. */
  end(): Promise<ParsedEnd> {
    return this.#ask({ kind: "end" }) as Promise<ParsedEnd>;
  }

  /** Abandons the current file. */
  async drop(): Promise<void> {
    const thread = this.#thread;
    this.#thread = undefined;
    this.#fail("it was not read to its end");
    await thread?.terminate();
  }

  #ask(request: ParseRequest): Promise<ParseAnswer> {
    const thread = (this.#thread ??= this.#start());
    return new Promise<ParseAnswer>((resolve, reject) => {
      const timer = systemClock.after(this.#deadlineMs, () => {
        this.#fail(`parsing did not end within ${this.#deadlineMs / 1000} s`);
        void this.drop();
      });
      const settle = <T>(then: (value: T) => void) => {
        return (value: T) => {
          timer.cancel();
          this.#asked = undefined;
          then(value);
        };
      };
      this.#asked = { resolve: settle(resolve), reject: settle(reject) };
      thread.postMessage(request);
    });
  }

  #start(): Worker {
    const thread = new Worker(entry, {
      execArgv: [],
      name: "test results",
      workerData: this.#format,
      resourceLimits: this.#limits,
      stdout: true,
      stderr: true,
    });
    const fail = (why: string) => {
      if (this.#thread !== thread) return;
      this.#thread = undefined;
      this.#fail(why);
    };
    thread.on("message", (answer: ParseAnswer) => this.#asked?.resolve(answer));
    thread.on("error", (error: Error & { code?: string }) =>
      fail(
        error.code === "ERR_WORKER_OUT_OF_MEMORY"
          ? `parsing it takes more than ${this.#limits.maxOldGenerationSizeMb} MiB of memory`
          : `it cannot be parsed: ${error.message.slice(0, 500)}`,
      ),
    );
    thread.on("exit", () => fail("parsing it ended early"));
    return thread;
  }

  #fail(why: string): void {
    this.#asked?.reject(new ParsingFailed(why));
  }
}
