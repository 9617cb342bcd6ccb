import { type CommandId, type Link, RequestRefused } from "@multimaster/wire";

/** How much of a command's output is kept, and for how long. */
export interface KeepLimits {
  /** Characters of one command's output. A command with more cannot be resumed. */
  readonly characters: number;
  /** Milliseconds without a connection after which a command is given up. */
  readonly ms: number;
}

/** How long a completed command is kept while its connection lasts: its engine may die before it has stored the result. */
const afterEndMs = 60_000;

export interface CommandReportsOptions {
  readonly id: CommandId;
  readonly link: Link;
  /** Undefined: nothing is kept. */
  readonly keep: KeepLimits | undefined;
  /** No master will receive what this command still reports. */
  onUnheard(): void;
  /** The command was kept without a connection for too long. */
  onGivenUp(): void;
  /** Nothing is kept any more. */
  onReleased(): void;
}

/**
 * What one command reports to its master. If it is kept, it outlives the connection: another master can have all of it
 * again, from any update on, and then whatever follows.
 */
export class CommandReports {
  #options: CommandReportsOptions;
  #link: Link | undefined;
  #kept: unknown[][] | undefined;
  #size = 0;
  #end: { readonly failure: string | null } | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: CommandReportsOptions) {
    this.#options = options;
    this.#kept = options.keep === undefined ? undefined : [];
    this.#follow(options.link);
  }

  get isKept(): boolean {
    return this.#kept !== undefined;
  }

  get isComplete(): boolean {
    return this.#end !== undefined;
  }

  /** Characters that are kept. */
  get size(): number {
    return this.#size;
  }

  /** Updates reported so far. */
  get updates(): number {
    return this.#kept?.length ?? 0;
  }

  /** Reports one update; resolves when the master has processed it, or when it is only kept. */
  update(pairs: unknown[], size: number): Promise<unknown> {
    if (this.#kept !== undefined) {
      this.#kept.push(pairs);
      this.#size += size;
      if (this.#size > (this.#options.keep?.characters ?? 0)) this.release();
    }
    return this.#send("update", pairs);
  }

  /** Reports the end of the command; nothing is reported afterwards. */
  complete(failure: string | null): void {
    this.#end = { failure };
    // The connection may be gone; then the next master interrupts an unknown id, which is not an error.
    void this.#send("complete", failure).catch(() => undefined);
    if (this.#link !== undefined) this.#releaseAfter(afterEndMs);
  }

  /** Reports over this connection from now on: first what is kept from that update on. */
  resume(link: Link, from: number): void {
    if (this.#kept === undefined) throw new RequestRefused(`the output of command ${this.#options.id} is not kept`);
    this.#follow(link);
    for (const pairs of this.#kept.slice(from)) void this.#send("update", pairs).catch(() => undefined);
    if (this.#end !== undefined) this.complete(this.#end.failure);
  }

  /** Keeps nothing any more. */
  release(): void {
    clearTimeout(this.#timer);
    if (this.#kept === undefined) return;
    this.#kept = undefined;
    this.#size = 0;
    if (this.#link === undefined) this.#options.onUnheard();
    this.#options.onReleased();
  }

  #follow(link: Link): void {
    clearTimeout(this.#timer);
    this.#link = link;
    void link.closed.then(() => {
      if (this.#link !== link) return;
      this.#link = undefined;
      if (this.#kept === undefined) this.#options.onUnheard();
      else this.#releaseAfter(this.#options.keep?.ms ?? 0);
    });
  }

  #releaseAfter(ms: number): void {
    if (this.#kept === undefined) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      if (this.#link === undefined && this.#end === undefined) this.#options.onGivenUp();
      this.release();
    }, ms);
  }

  #send(op: "update" | "complete", args: unknown): Promise<unknown> {
    return this.#link?.request(op, { args, command_id: this.#options.id }) ?? Promise.resolve();
  }
}
