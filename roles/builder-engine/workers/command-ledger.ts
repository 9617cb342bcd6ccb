import type { Clock, Timer } from "@multimaster/core";
import type { CommandUpdates, ResumeNote } from "@multimaster/data";
import type { Persistence } from "../builds/persistence.ts";

export interface LedgerEntry {
  commandId: string;
  workerid: number;
  buildid: number;
  stepid: number;
  name: string;
  /** Its build can go on at another engine. */
  resume?: ResumeNote | undefined;
}

const batch = 50;
const delayMs = 200;

/**
 * Which commands may run on which worker, as rows: written before a command is sent, so that the master that gets the worker
 * next can interrupt it. Completed ones are taken out in batches; one that stays too long only costs an interrupt of
 * an unknown id.
 */
export class CommandLedger {
  #updates: CommandUpdates;
  #persistence: Persistence;
  #clock: Clock;
  #completed: string[] = [];
  #timer: Timer | undefined;
  #writing: Promise<void> = Promise.resolve();

  constructor(updates: CommandUpdates, persistence: Persistence, clock: Clock) {
    this.#updates = updates;
    this.#persistence = persistence;
    this.#clock = clock;
  }

  record(entry: LedgerEntry): Promise<void> {
    return this.#persistence.write(`record command ${entry.commandId}`, () => this.#updates.record(entry));
  }

  /** The command has completed on the worker. */
  complete(commandId: string): void {
    this.#completed.push(commandId);
    if (this.#completed.length >= batch) void this.flush();
    else this.#timer ??= this.#clock.after(delayMs, () => void this.flush());
  }

  /** Resolves when all completions so far are written, or can no longer be. */
  flush(): Promise<void> {
    this.#timer?.cancel();
    this.#timer = undefined;
    const ids = this.#completed.splice(0);
    if (ids.length === 0) return this.#writing;
    // A failure leaves rows behind: the next attach of the worker clears them.
    const write = () =>
      this.#persistence.write("forget commands", () => this.#updates.forget(ids)).catch(() => undefined);
    this.#writing = this.#writing.then(write);
    return this.#writing;
  }
}
