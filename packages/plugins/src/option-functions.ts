import { type Clock, callContained, describeCause, FunctionBlocked, waitAtMost } from "@multimaster/core";

/** How long a function is not called that blocked its master, or that did not answer. */
const restMs = 60_000;
/** Longest time that an asynchronous function may take. */
const answerMs = 10_000;
/** Subjects that are remembered because a function blocked on them. */
const mostBlocked = 1000;
/** A function that has not failed for this long is not shown as failing any more. */
const forgottenMs = 10 * 60_000;

/** A function of the config gave no answer. */
export class OptionFailed extends Error {}

/** The same, and it was not called: it blocked, or did not answer, a short time ago. What it is asked about can wait. */
export class OptionRests extends OptionFailed {}

interface Failing {
  readonly sentence: string;
  readonly cause: unknown;
  /** By the clock, as `restsUntil`. */
  readonly at: number;
  /** 0: it does not rest. */
  readonly restsUntil: number;
}

/** A question to a function. */
export interface Asked {
  /** The option whose value the function is. */
  readonly option: string;
  /** What it is asked about, such as `change 7`. */
  readonly about: string;
  /** The same for questions with the same answer: a function that blocked on one is not asked it again. By default `about`. */
  readonly subject?: string;
}

/**
 * Calls the functions among a plugin's options. An endless loop is ended, an answer is not awaited for ever, and a function that
 * cost much time is not called for a minute: the master and its other plugins go on.
 */
export class OptionFunctions {
  #clock: Clock;
  #blockMs: number | undefined;
  #failing = new Map<string, Failing>();
  #blocked = new Map<string, string>();

  /** `blockMs`: how long a function may keep the event loop for itself. */
  constructor(clock: Clock, blockMs?: number) {
    this.#clock = clock;
    this.#blockMs = blockMs;
  }

  /** The functions whose last answer was none, until they answer again: a sentence for each, and its cause. */
  get failing(): readonly { readonly sentence: string; readonly cause: unknown }[] {
    return [...this.#failing.values()].filter(({ at }) => this.#clock.now() - at < forgottenMs);
  }

  /** Calls a function that answers immediately. Throws an OptionFailed. */
  call<T>(asked: Asked, fn: () => T): T {
    this.#check(asked);
    let answer: T;
    try {
      answer = callContained(fn, this.#blockMs);
    } catch (error) {
      throw this.#fail(asked, `failed (${describeCause(error)})`, error);
    }
    this.#failing.delete(asked.option);
    return answer;
  }

  /** The same of a function that may be asynchronous. */
  async callAsync<T>(asked: Asked, fn: () => T | Promise<T>, signal: AbortSignal): Promise<T> {
    this.#check(asked);
    let answered: { readonly value: T } | undefined;
    try {
      const answer = Promise.resolve(callContained(fn, this.#blockMs)).then((value) => ({ value }));
      answered = await waitAtMost(this.#clock, answerMs, answer, signal);
    } catch (error) {
      throw this.#fail(asked, `failed (${describeCause(error)})`, error);
    }
    if (!answered) throw this.#fail(asked, `returned nothing within ${answerMs / 1000} s`);
    this.#failing.delete(asked.option);
    return answered.value;
  }

  #check({ option, about, subject = about }: Asked): void {
    const blocked = this.#blocked.get(`${option} ${subject}`);
    if (blocked !== undefined) throw new OptionFailed(blocked);
    const failing = this.#failing.get(option);
    if (failing && failing.restsUntil > this.#clock.now()) throw new OptionRests(failing.sentence);
  }

  /** Without a cause, it has not answered in time. */
  #fail({ option, about, subject = about }: Asked, what: string, cause?: unknown): OptionFailed {
    const hasBlocked = cause instanceof FunctionBlocked;
    const sentence = `the function "${option}" ${what} for ${about}`;
    const at = this.#clock.now();
    const restsUntil = hasBlocked || cause === undefined ? at + restMs : 0;
    this.#failing.set(option, { sentence, cause, at, restsUntil });
    if (hasBlocked) {
      if (this.#blocked.size >= mostBlocked) this.#blocked.clear();
      this.#blocked.set(`${option} ${subject}`, sentence);
    }
    return new OptionFailed(sentence, { cause });
  }
}
