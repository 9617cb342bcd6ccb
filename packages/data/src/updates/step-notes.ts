import { type Clock, fitsGlob, type Result } from "@multimaster/core";
import { type Connection, type Database, readStepInterest, type StepInterest } from "@multimaster/database";
import { type NotedStep, noteSteps, readNotedStep } from "@multimaster/lifecycle";

/** What reporters want to hear of steps is read again after so long. */
const freshMs = 10_000;

/** Notes for reporters which steps begin and end. While none wants to know, a step costs nothing more. */
export class StepNotes {
  #database: Database;
  #clock: Clock;
  #interest: readonly StepInterest[] = [];
  #readAt: number | undefined;
  #reading: Promise<void> | undefined;

  constructor(database: Database, clock: Clock) {
    this.#database = database;
    this.#clock = clock;
  }

  /** To be called before the transaction, since it may read. Only the first time there is something to wait for. */
  prepare(): Promise<void> | undefined {
    const isKnown = this.#readAt !== undefined;
    if (isKnown && this.#clock.now() - (this.#readAt as number) < freshMs) return undefined;
    this.#reading ??= this.#read().finally(() => {
      this.#reading = undefined;
    });
    if (!isKnown) return this.#reading;
    // What was wanted a moment ago is good enough; the next step tries again.
    this.#reading.catch(() => undefined);
    return undefined;
  }

  async #read(): Promise<void> {
    this.#interest = await readStepInterest(this.#database);
    this.#readAt = this.#clock.now();
  }

  #wants(kind: StepInterest["kind"], name?: string): boolean {
    return this.#interest.some(
      (one) =>
        one.kind === kind &&
        (one.names === null || name === undefined || one.names.some((glob) => fitsGlob(name, glob))),
    );
  }

  /** Steps that have begun, and maybe ended, in this transaction. */
  async begun(tx: Connection, steps: readonly NotedStep[]): Promise<void> {
    const noted = steps.flatMap((step) => {
      const { results: _, ...begun } = step;
      return [
        ...(this.#wants("step-started", step.name) ? [begun] : []),
        ...(step.results !== undefined && this.#wants("step-ended", step.name) ? [step] : []),
      ];
    });
    if (noted.length > 0) await noteSteps(tx, noted);
  }

  /** A step that was added, and begins in this transaction. */
  async started(tx: Connection, stepid: number): Promise<void> {
    if (!this.#wants("step-started")) return;
    const step = await readNotedStep(tx, stepid);
    if (step && this.#wants("step-started", step.name)) await noteSteps(tx, [step]);
  }

  /** A step that ends in this transaction. */
  async ended(tx: Connection, stepid: number, results: Result): Promise<void> {
    if (!this.#wants("step-ended")) return;
    const step = await readNotedStep(tx, stepid);
    if (step && this.#wants("step-ended", step.name)) await noteSteps(tx, [{ ...step, results }]);
  }
}
