import type { StepPlace } from "@multimaster/cluster";
import {
  type Clock,
  callContained,
  describeCause,
  type Failure,
  FunctionBlocked,
  isThenable,
  type Logger,
  type Service,
  waitAtMost,
} from "@multimaster/core";
import { type Hide, hideInError } from "../logs/hide-secrets.ts";

/** How long an asynchronous function may take. */
export const answerMs = 30_000;
/** How long one is not called that has blocked the engine. */
const restMs = 60_000;
/** A function that has not failed for this long is not reported any more: what it failed for is gone. */
const forgottenMs = 10 * 60_000;
const logMs = 60_000;

export interface GuardOptions {
  /** Whose option it is, such as `builder "web"`. */
  readonly owner: string;
  readonly option: string;
  /** The builder that the watchdog of the event loop names. */
  readonly builder?: string;
  readonly clock: Clock;
  readonly log: Logger;
  /** Hides secrets in what a function says when it fails. */
  readonly hide: Hide;
  readonly watch: { enter(place: StepPlace): void; leave(place: StepPlace): void };
}

/** What a call came to. */
export type Called<T> =
  | { readonly kind: "returned"; readonly value: T }
  /** Why, in words. `restsUntil`: it is not called before that time of the clock. */
  | { readonly kind: "failed"; readonly why: string; readonly restsUntil: number | undefined };

/** A function of the config. Whatever it does ends in time, is named in the log and reported, and stops nothing else. */
export class GuardedFunction<Args extends readonly unknown[]> {
  #fn: (...args: Args) => unknown;
  #options: GuardOptions;
  #failing: { since: number; at: number; loggedAt: number; cause: string } | undefined;
  #restsUntil = 0;

  constructor(fn: (...args: Args) => unknown, options: GuardOptions) {
    this.#fn = fn;
    this.#options = options;
  }

  /** Since when each call has failed, and the last cause. */
  failure(): Failure | undefined {
    const { clock, owner, option } = this.#options;
    if (!this.#failing || clock.now() - this.#failing.at > forgottenMs) return undefined;
    const { since, cause } = this.#failing;
    return { since, cause: `"${option}" of ${owner}: ${cause}` };
  }

  /** Calls it; it must return at once. `check` returns what is right in its result, or throws. */
  call<T>(args: Args, check: (result: unknown) => T): Called<T> {
    const resting = this.#resting();
    if (resting) return resting;
    const { option, watch, builder = "" } = this.#options;
    const place = { builder, step: option, buildid: 0 };
    watch.enter(place);
    try {
      const result = callContained(() => this.#fn(...args));
      if (isThenable(result)) {
        result.then(undefined, () => undefined);
        throw new Error("it returned a promise; it must return at once");
      }
      return this.#succeed(check(result));
    } catch (error) {
      return this.#fail(error);
    } finally {
      watch.leave(place);
    }
  }

  /** The same of a function that may be asynchronous. Never rejects. */
  async callAsync<T>(args: Args, check: (result: unknown) => T): Promise<Called<T>> {
    const resting = this.#resting();
    if (resting) return resting;
    const { clock, option, watch, builder = "" } = this.#options;
    const place = { builder, step: option, buildid: 0 };
    watch.enter(place);
    try {
      const result = callContained(() => this.#fn(...args));
      if (!isThenable(result)) return this.#succeed(check(result));
      let answer: { value: unknown } | undefined;
      await waitAtMost(
        clock,
        answerMs,
        Promise.resolve(result).then((value) => {
          answer = { value };
        }),
      );
      if (!answer) throw new Error(`it did not answer within ${answerMs / 1000} s`);
      return this.#succeed(check(answer.value));
    } catch (error) {
      return this.#fail(error);
    } finally {
      watch.leave(place);
    }
  }

  #resting(): Called<never> | undefined {
    if (this.#restsUntil <= this.#options.clock.now()) return undefined;
    return { kind: "failed", why: describe(this.#failing?.cause ?? "it blocked"), restsUntil: this.#restsUntil };
  }

  #succeed<T>(value: T): Called<T> {
    const { clock, log, owner, option } = this.#options;
    if (this.#failing)
      log.info(
        { option, seconds: Math.round((clock.now() - this.#failing.since) / 1000) },
        `"${option}" of ${owner} works again`,
      );
    this.#failing = undefined;
    return { kind: "returned", value };
  }

  #fail(error: unknown): Called<never> {
    const { clock, log, owner, option, hide } = this.#options;
    const now = clock.now();
    const cause = hide(describeCause(error));
    const { since = now, loggedAt = Number.NEGATIVE_INFINITY } = this.#failing ?? {};
    const isDue = now - loggedAt >= logMs;
    this.#failing = { since, at: now, loggedAt: isDue ? now : loggedAt, cause };
    if (isDue)
      log.error(
        { option, err: hideInError(error, hide) },
        `"${option}" of ${owner} failed: ${cause}; what it was asked about waits`,
      );
    const isBlocked = error instanceof FunctionBlocked;
    if (isBlocked) this.#restsUntil = now + restMs;
    return { kind: "failed", why: describe(cause), restsUntil: isBlocked ? this.#restsUntil : undefined };
  }
}

const describe = (cause: string) => `the function failed: ${cause}`;

/** All functions of the config that this engine calls: reports the one that has failed longest. */
export class GuardedFunctions implements Service {
  readonly name = "functions of the config";
  /** One that fails keeps no other from its work. */
  readonly isHousekeeping = true;
  #all: { failure(): Failure | undefined }[] = [];
  #base: Omit<GuardOptions, "owner" | "option" | "builder">;

  constructor(base: Omit<GuardOptions, "owner" | "option" | "builder">) {
    this.#base = base;
  }

  /** Hides secrets in what functions say. */
  get hide(): Hide {
    return this.#base.hide;
  }

  /** Forgets the functions of the config before: only those of the next one are reported. */
  reconfigure(hide: Hide): void {
    this.#all = [];
    this.#base = { ...this.#base, hide };
  }

  guard<Args extends readonly unknown[]>(
    fn: (...args: Args) => unknown,
    names: Pick<GuardOptions, "owner" | "option" | "builder">,
  ): GuardedFunction<Args> {
    const guarded = new GuardedFunction(fn, { ...this.#base, ...names });
    this.#all.push(guarded);
    return guarded;
  }

  async start(): Promise<void> {}

  async stop(): Promise<void> {}

  failure(): Failure | undefined {
    return this.#all.flatMap((one) => one.failure() ?? []).sort((a, b) => a.since - b.since)[0];
  }
}
