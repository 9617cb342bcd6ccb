import type { WorkerSettings } from "@multimaster/wire";
import { LineSplitter, type Lines } from "./line-splitter.ts";
import { compileNewlinePattern } from "./newline-pattern.ts";
import { UpdateBuffer } from "./update-buffer.ts";

/** Reserved stream names; a watched file cannot use them. */
export const ownStreams: readonly string[] = ["stdout", "stderr", "header"];

/** The reports of one command to the master: streams split into lines, then values, batched. */
export class CommandOutput {
  readonly buffer: UpdateBuffer;
  #settings: WorkerSettings;
  #newline: RegExp;
  #splitters = new Map<string, LineSplitter>();

  constructor(settings: WorkerSettings, send: (pairs: unknown[], size: number) => Promise<unknown>) {
    this.#settings = settings;
    this.#newline = compileNewlinePattern(settings.newline_re);
    this.buffer = new UpdateBuffer({ size: settings.buffer_size, timeoutMs: settings.buffer_timeout * 1000, send });
  }

  /** Adds bytes read from a stream or a watched file. */
  write(stream: string, bytes: Uint8Array): void {
    this.#pass(stream, this.#splitter(stream).push(bytes));
  }

  /** Adds one or more whole lines about the command. */
  header(text: string): void {
    this.#text("header", text);
  }

  /** Adds one or more whole lines of error output by the worker itself. */
  stderr(text: string): void {
    this.#text("stderr", text);
  }

  set(name: "rc" | "elapsed" | "failure_reason" | "stat" | "files", value: unknown): void {
    this.buffer.add(name, value);
  }

  /** Sends everything, including unfinished lines. */
  flush(): void {
    for (const stream of [...this.#splitters.keys()].sort()) this.#pass(stream, this.#splitter(stream).end());
    this.buffer.flush();
  }

  #text(stream: string, text: string): void {
    this.#pass(stream, this.#splitter(stream).pushText(text.endsWith("\n") ? text : `${text}\n`));
  }

  #pass(stream: string, lines: Lines | undefined): void {
    if (lines !== undefined) this.buffer.addLines(stream, lines, !ownStreams.includes(stream));
  }

  #splitter(stream: string): LineSplitter {
    let splitter = this.#splitters.get(stream);
    if (splitter === undefined) {
      const { max_line_length: maxLineLength } = this.#settings;
      splitter = new LineSplitter({ newline: this.#newline, maxLineLength, now: () => Date.now() / 1000 });
      this.#splitters.set(stream, splitter);
    }
    return splitter;
  }
}
