import { Gauge, Histogram, type Registry } from "@multimaster/core";

/** Who uses locks. */
export type LockUser = "build" | "step";

const users: readonly LockUser[] = ["build", "step"];

/** Publishes which locks this engine's builds and steps have, and how long they wait for them. */
export class LockMetrics {
  #held: Gauge<"of">;
  #waiting: Gauge<"of">;
  #waited: Histogram<"of">;

  constructor(metrics: Registry) {
    this.#held = new Gauge({
      name: "multimaster_lock_holds",
      help: "Locks that builds or steps of this engine have.",
      labelNames: ["of"],
      registers: [metrics],
    });
    this.#waiting = new Gauge({
      name: "multimaster_lock_waits",
      help: "Build requests or steps that wait for locks at this engine.",
      labelNames: ["of"],
      registers: [metrics],
    });
    this.#waited = new Histogram({
      name: "multimaster_lock_wait_seconds",
      help: "How long build requests or steps have waited at this engine until they had their locks.",
      labelNames: ["of"],
      buckets: [0.1, 1, 10, 60, 300, 1800, 7200],
      registers: [metrics],
    });
    for (const of of users) {
      this.#held.set({ of }, 0);
      this.#waiting.set({ of }, 0);
      this.#waited.zero({ of });
    }
  }

  took(of: LockUser, count: number): void {
    this.#held.inc({ of }, count);
  }

  released(of: LockUser, count: number): void {
    this.#held.dec({ of }, count);
  }

  waiting(of: LockUser, count: number): void {
    this.#waiting.set({ of }, count);
  }

  waited(of: LockUser, ms: number): void {
    this.#waited.observe({ of }, ms / 1000);
  }
}
