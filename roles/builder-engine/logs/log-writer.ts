import type { Clock, Timer } from "@multimaster/core";
import type { LogTime, LogType } from "@multimaster/data";
import type { LogStream, StepLog } from "@multimaster/plugins";
import { LineClock } from "./line-clock.ts";
import { LineNormalizer, type Lines } from "./line-normalizer.ts";
import { LogLimit, type LogLimits, unlimited } from "./log-limit.ts";
import { Secrets } from "./secrets.ts";
import type { StreamMask } from "./stream-mask.ts";

export interface LogWriterOptions {
  type: LogType;
  clock: Clock;
  /** What is not shown; default: nothing. */
  secrets?: Secrets;
  /** How much of it is kept; default: all. */
  limits?: LogLimits;
  /**
   * Stores whole lines at `firstLine`; `isLast`: the log ends with them, or ends if there are none. It retries by itself: a
   * rejection is final. `times`: when they were printed.
   */
  append(firstLine: number, text: string, isLast: boolean, times: readonly LogTime[]): Promise<unknown>;
  /** When its step began, by the clock; default: now. */
  begun?: number;
  /** Lines of it that are stored already, if it has a row: as many are skipped, since they are written again. */
  stored?: number | undefined;
  /** Characters that are stored at once. */
  batch?: number;
  /** Longest time that a line, or the log itself, waits to be stored, in milliseconds. */
  delayMs?: number;
  /** Characters not yet stored above which writing waits. */
  highWater?: number;
}

const prefixes: Record<LogStream, string> = { stdout: "o", stderr: "e", header: "h" };

interface LogStreamState {
  mask: StreamMask | undefined;
  /** Of the secrets that the mask knows. */
  version: object | undefined;
  readonly normalizer: LineNormalizer;
}

/**
 * The only writer of one log: makes whole lines, numbers them without a gap, and stores them in batches. When the
 * database is slow or away, `write` waits, and with it the worker's connection: memory stays bounded, no line is lost.
 */
export class LogWriter implements StepLog {
  #options: Required<Omit<LogWriterOptions, "stored">>;
  #streams = new Map<string, LogStreamState>();
  #limit: LogLimit;
  readonly #clock: LineClock;
  #batch: string[] = [];
  #batchChars = 0;
  #batchLines = 0;
  /** Characters written but not yet stored, those on their way included. */
  #unstored = 0;
  #nextLine: number;
  /** Lines that are written again. */
  #repeated: number;
  #timer: Timer | undefined;
  #storing: Promise<void> | undefined;
  #waiting: (() => void)[] = [];
  #failure: { error: unknown } | undefined;
  #finished = false;
  /** Whether the log itself was stored, and whether its end was. */
  #isBegun: boolean;
  #isEnded = false;

  constructor(options: LogWriterOptions) {
    this.#options = {
      batch: 192 * 1024,
      delayMs: 400,
      highWater: 2 * 1024 * 1024,
      secrets: new Secrets(),
      limits: unlimited,
      begun: options.clock.now(),
      ...options,
    };
    this.#isBegun = options.stored !== undefined;
    this.#nextLine = options.stored ?? 0;
    this.#repeated = options.stored ?? 0;
    this.#clock = new LineClock(() => this.#options.clock.now(), this.#options.begun);
    const mark = options.type === "s" ? prefixes.header : "";
    this.#timer = this.#options.clock.after(this.#options.delayMs, () => this.#flush());
    this.#limit = new LogLimit(this.#options.limits, (sentence) => `${mark}${sentence}`);
  }

  /** Lines written so far, stored or on their way. */
  get lines(): number {
    return this.#nextLine + this.#batchLines;
  }

  /** Adds text; waits while more than the high-water mark is unstored. Rejects when the log cannot be stored. */
  async write(text: string, stream: LogStream = "stdout"): Promise<void> {
    this.#checkOpen();
    const { mask, normalizer } = this.#stream(stream);
    this.#add(normalizer.add(mask === undefined ? text : mask.add(text)));
    while (this.#unstored > this.#options.highWater && this.#failure === undefined) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  /** Ends unfinished lines: what wrote them has ended. */
  endLines(): void {
    for (const { mask, normalizer } of this.#streams.values()) {
      if (mask !== undefined) this.#add(normalizer.add(mask.end()));
      this.#add(normalizer.flush());
    }
  }

  /** Stores what is left. Nothing can be written afterwards. */
  async finish(): Promise<void> {
    this.endLines();
    this.#finished = true;
    this.#keep(this.#limit.finish());
    this.#flush();
    while (this.#storing !== undefined) await this.#storing;
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  #checkOpen(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
    if (this.#finished) throw new Error("the log is finished");
  }

  #stream(stream: LogStream): LogStreamState {
    // Only a log of streams distinguishes them; in the other types an unfinished line may be of any stream.
    const prefix = this.#options.type === "s" ? prefixes[stream] : "";
    const { secrets } = this.#options;
    const { version } = secrets;
    const known = this.#streams.get(prefix);
    if (known?.version === version && known !== undefined) return known;
    const mask = secrets.streamMask();
    const normalizer = known?.normalizer ?? new LineNormalizer(prefix);
    const current = { mask, version, normalizer };
    this.#streams.set(prefix, current);
    // A step has learnt a text meanwhile, which may begin in what is held back.
    const held = known?.mask?.end() ?? "";
    this.#add(normalizer.add(mask?.add(held) ?? held));
    return current;
  }

  #add(lines: Lines): void {
    this.#keep(this.#limit.pass(lines));
  }

  #keep(lines: Lines): void {
    const { text, count } = this.#skipRepeated(lines);
    if (count === 0) return;
    this.#clock.note(this.lines);
    this.#batch.push(text);
    this.#batchChars += text.length;
    this.#batchLines += count;
    this.#unstored += text.length;
    if (this.#batchChars >= this.#options.batch) this.#flush();
    else this.#timer ??= this.#options.clock.after(this.#options.delayMs, () => this.#flush());
  }

  #skipRepeated(lines: Lines): Lines {
    const skipped = Math.min(this.#repeated, lines.count);
    if (skipped === 0) return lines;
    this.#repeated -= skipped;
    let start = 0;
    for (let n = 0; n < skipped; n += 1) start = lines.text.indexOf("\n", start) + 1;
    return { text: lines.text.slice(start), count: lines.count - skipped };
  }

  /** Stores what has come; an empty log, to begin or to end it. What comes while it is being stored is stored together afterwards. */
  #flush(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    if (this.#storing !== undefined || this.#isEnded) return;
    const isLast = this.#finished;
    if (this.#batchLines === 0 && this.#isBegun && !isLast) return;
    this.#isBegun = true;
    this.#isEnded = isLast;
    const text = this.#batch.length === 1 ? (this.#batch[0] as string) : this.#batch.join("");
    const firstLine = this.#nextLine;
    this.#nextLine += this.#batchLines;
    this.#batch = [];
    this.#batchChars = 0;
    this.#batchLines = 0;
    this.#storing = this.#store(firstLine, text, isLast, this.#clock.take()).finally(() => {
      this.#storing = undefined;
      if (this.#timer === undefined) this.#flush();
    });
  }

  async #store(firstLine: number, text: string, isLast: boolean, times: readonly LogTime[]): Promise<void> {
    try {
      if (this.#failure === undefined) await this.#options.append(firstLine, text, isLast, times);
    } catch (error) {
      this.#failure = { error };
    }
    this.#unstored -= text.length;
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}
