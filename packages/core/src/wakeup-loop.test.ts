import { describe, expect, it } from "vitest";
import { type Clock, systemClock } from "./clock.ts";
import { silentLog } from "./log.ts";
import { WakeupLoop } from "./wakeup-loop.ts";

/** Time that stands still: only waking moves a loop. */
const still: Clock = {
  ...systemClock,
  sleep: (_ms, signal) =>
    new Promise((resolve) =>
      signal?.aborted ? resolve() : signal?.addEventListener("abort", () => resolve(), { once: true }),
    ),
};

const settle = () => new Promise((resolve) => setImmediate(resolve));

describe("a loop that wakes", () => {
  it("polls immediately, and again for wake-ups; those that come during a poll are merged", async () => {
    let looks = 0;
    let finish = () => {};
    const loop = new WakeupLoop({
      name: "test",
      clock: still,
      log: silentLog,
      pollMs: 1,
      poll: () => {
        looks++;
        return new Promise((resolve) => (finish = resolve));
      },
    });
    loop.start();
    loop.wake();
    loop.wake();
    finish();
    await settle();
    expect(looks).toBe(2);
    finish();
    await settle();
    expect(looks).toBe(2);
    loop.wake();
    await settle();
    expect(looks).toBe(3);
    finish();
    await loop.stop();
  });

  it("reports since when and with which error it fails, until a poll succeeds", async () => {
    let fails = true;
    let looks = 0;
    const loop = new WakeupLoop({
      name: "test",
      clock: systemClock,
      log: silentLog,
      pollMs: 1,
      async poll() {
        looks++;
        if (fails) throw new Error(`no ${looks}`);
      },
    });
    loop.start();
    while (looks < 3) await settle();
    const { since, cause } = loop.failure() ?? {};
    expect(cause).toMatch(/^no [23]$/);
    expect(since).toBeLessThanOrEqual(Date.now());
    fails = false;
    while (loop.failure()) await settle();
    await loop.stop();
  });

  it("goes on after a look that failed", async () => {
    let looks = 0;
    const loop = new WakeupLoop({
      name: "test",
      clock: systemClock,
      log: silentLog,
      pollMs: 1,
      async poll() {
        looks++;
        throw new Error("no");
      },
    });
    loop.start();
    while (looks < 3) await settle();
    await loop.stop();
  });
});
