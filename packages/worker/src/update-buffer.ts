import { countCodePoints, type Lines } from "./line-splitter.ts";

export interface UpdateBufferOptions {
  /** Size after which an update is sent. */
  size: number;
  /** Milliseconds after the first item when an update is sent at the latest. */
  timeoutMs: number;
  /** Sends one update; resolves when the master has processed it, rejects if no master will. */
  send(pairs: unknown[], size: number): Promise<unknown>;
}

/** Unprocessed output, in bytes, above which commands stop reading and below which (see `lowWater`) they resume. */
const highWater = 2 * 1024 * 1024;
const lowWater = 512 * 1024;

interface TextItem {
  stream: string;
  isLog: boolean;
  texts: string[];
  positions: number[];
  times: number[];
  points: number;
}

/**
 * Collects a command's reports and sends them in few, large updates: consecutive pieces of one stream are merged, the order
 * between streams is kept. It reports when the master falls behind, so that memory stays bounded.
 */
export class UpdateBuffer {
  #options: UpdateBufferOptions;
  #items: (TextItem | [string, unknown])[] = [];
  #size = 0;
  #timer: NodeJS.Timeout | undefined;
  #untaken = 0;
  #drained: (() => void)[] = [];
  /** Set when the connection is lost: the command continues, its reports are discarded. */
  #discarding = false;

  constructor(options: UpdateBufferOptions) {
    this.#options = options;
  }

  /** The master is behind: stop reading until `whenDrained`. */
  get isCongested(): boolean {
    return this.#untaken > highWater;
  }

  whenDrained(): Promise<void> {
    if (!this.isCongested) return Promise.resolve();
    return new Promise((resolve) => this.#drained.push(resolve));
  }

  /** Adds a value such as `rc`. */
  add(name: string, value: unknown): void {
    this.#items.push([name, value]);
    this.#grow(20);
  }

  /** Adds whole lines of a stream or, with `isLog`, of a watched file. */
  addLines(stream: string, lines: Lines, isLog: boolean): void {
    const last = this.#items.at(-1);
    const points = countCodePoints(lines.text);
    if (last !== undefined && !Array.isArray(last) && last.stream === stream && last.isLog === isLog) {
      const offset = last.points;
      last.texts.push(lines.text);
      for (const position of lines.positions) last.positions.push(position + offset);
      for (const time of lines.times) last.times.push(time);
      last.points += points;
    } else {
      const { positions, times } = lines;
      this.#items.push({ stream, isLog, texts: [lines.text], positions: [...positions], times: [...times], points });
    }
    this.#grow(points + 16 * lines.times.length);
  }

  /** Sends what is buffered. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#items.length === 0) return;
    const pairs = this.#items.map((item) => (Array.isArray(item) ? item : packText(item)));
    const size = this.#size;
    this.#items = [];
    this.#size = 0;
    if (this.#discarding) return;
    this.#untaken += size;
    this.#options.send(pairs, size).then(
      () => this.#taken(size),
      () => {
        this.#taken(size);
      },
    );
  }

  /** Discards further reports, because no master receives them. */
  discard(): void {
    this.#discarding = true;
    this.#untaken = 0;
    this.flush();
    this.#wake();
  }

  #grow(size: number): void {
    this.#size += size;
    if (this.#size >= this.#options.size) return this.flush();
    this.#timer ??= setTimeout(() => this.flush(), this.#options.timeoutMs);
  }

  #taken(size: number): void {
    if (this.#discarding) return;
    this.#untaken -= size;
    if (this.#untaken <= lowWater) this.#wake();
  }

  #wake(): void {
    for (const resolve of this.#drained.splice(0)) resolve();
  }
}

function packText(item: TextItem): [string, unknown] {
  const lines = [item.texts.join(""), item.positions, item.times];
  return item.isLog ? ["log", [item.stream, lines]] : [item.stream, lines];
}
