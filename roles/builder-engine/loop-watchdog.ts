import type { LoopSign, StepPlace } from "@multimaster/cluster";
import { Counter, type Logger, type Registry, type Service } from "@multimaster/core";

export interface LoopWatchdogOptions {
  log: Logger;
  metrics: Registry;
  /** Where the steps are shown while the loop stands still. */
  sign?: LoopSign;
  /** A delay of the event loop above this is reported, in milliseconds. */
  thresholdMs?: number;
  now?: () => number;
}

const tickMs = 100;

/**
 * Watches the engine's event loop. When it stood still, the step is named whose code was entered right before; or else
 * all that were since the loop last turned; or else those whose code waits for something of its own, for it went on by
 * itself.
 */
export class LoopWatchdog implements Service {
  readonly name = "loop-watchdog";
  #log: Logger;
  #thresholdMs: number;
  #now: () => number;
  #sign: LoopSign | undefined;
  #entered = new Set<StepPlace>();
  #within = new Set<StepPlace>();
  #last = 0;
  /** What was entered last, and when. */
  #latest: { place: StepPlace | undefined; at: number } = { place: undefined, at: 0 };
  /** The longest time without a word since the loop last turned, and what had been entered before it. */
  #longest: { place: StepPlace | undefined; ms: number } = { place: undefined, ms: 0 };
  #timer: NodeJS.Timeout | undefined;
  #blockedSeconds: Counter<"builder" | "step">;

  constructor({ log, metrics, sign, thresholdMs = 1000, now = () => performance.now() }: LoopWatchdogOptions) {
    this.#log = log;
    this.#sign = sign;
    this.#thresholdMs = thresholdMs;
    this.#now = now;
    this.#blockedSeconds = new Counter({
      name: "multimaster_event_loop_blocked_seconds_total",
      help: "Time for which the event loop stood still, by the step whose code did it",
      labelNames: ["builder", "step"],
      registers: [metrics],
    });
  }

  async start(): Promise<void> {
    this.#last = this.#now();
    this.#latest.at = this.#last;
    this.#timer = setInterval(() => this.look(), tickMs);
    this.#timer.unref();
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
  }

  /** Control goes to a step's code now. */
  enter(place: StepPlace): void {
    this.#entered.add(place);
    this.#within.add(place);
    this.#note(place);
    this.#sign?.show([place]);
  }

  /** The step's code waits for the engine, or has ended. */
  leave(place: StepPlace): void {
    this.#within.delete(place);
    this.#note(undefined);
    this.#sign?.show(this.#suspects);
  }

  /** Judges the time since the last look. */
  look(): void {
    const now = this.#now();
    const late = now - this.#last - tickMs;
    this.#last = now;
    this.#note(undefined);
    const { place, ms } = this.#longest;
    const places = place !== undefined && ms > late / 2 ? [place] : this.#suspects;
    this.#longest = { place: undefined, ms: 0 };
    this.#entered.clear();
    this.#sign?.show(this.#suspects);
    if (late < this.#thresholdMs) return;
    const seconds = Math.round(late / 100) / 10;
    for (const { builder, step } of places) this.#blockedSeconds.inc({ builder, step }, late / 1000);
    const who = places.map(describePlace);
    if (who.length === 0)
      this.#log.warn({ seconds }, `the event loop stood still for ${seconds} s; no step's code was running`);
    else
      this.#log.warn(
        { seconds, steps: places },
        `the event loop stood still for ${seconds} s while it ran ${who.join(" or ")}`,
      );
  }
  #note(place: StepPlace | undefined): void {
    const now = this.#now();
    const ms = now - this.#latest.at;
    if (ms > this.#longest.ms) this.#longest = { place: this.#latest.place, ms };
    this.#latest = { place, at: now };
  }

  get #suspects(): StepPlace[] {
    return [...(this.#entered.size > 0 ? this.#entered : this.#within)];
  }
}

/** Functions of the config that decide what starts are no steps of a build. */
function describePlace({ builder, step, buildid }: StepPlace): string {
  if (buildid === 0) return `"${step}" of builder "${builder}"`;
  return `step "${step}" of builder "${builder}" (build ${buildid})`;
}
