import { type Clock, systemClock } from "@multimaster/core";
import { expect, it } from "vitest";
import { limitWait } from "./limit-wait.ts";

/** A clock whose timers fire when the test says so. */
function handClock() {
  const timers = new Map<number, () => void>();
  const clock: Clock = {
    ...systemClock,
    after(ms, fn) {
      timers.set(ms, fn);
      return { cancel: () => void timers.delete(ms) };
    },
  };
  return { clock, timers };
}

const never = () => new Promise<string>(() => {});

it("an attempt that never ends is waited for until its limit", async () => {
  const { clock, timers } = handClock();
  const waited = limitWait(never(), clock, new AbortController().signal);
  timers.get(600_000)?.();
  await expect(waited).rejects.toMatchObject({ failure: { of: "report", unsure: true } });
  expect(timers.size).toBe(0);
});

it("a reporter that stops waits a few seconds more", async () => {
  const { clock, timers } = handClock();
  const stop = new AbortController();
  const waited = limitWait(never(), clock, stop.signal);
  expect([...timers.keys()]).toEqual([600_000]);
  stop.abort();
  timers.get(5000)?.();
  await expect(waited).rejects.toThrow("the reporter stops");
  expect(timers.size).toBe(0);
});

it("the result of work that ends is passed on, and no timer is left", async () => {
  const { clock, timers } = handClock();
  expect(await limitWait(Promise.resolve("sent"), clock, AbortSignal.abort())).toBe("sent");
  await expect(limitWait(Promise.reject(new Error("no")), clock, AbortSignal.abort())).rejects.toThrow("no");
  await Promise.resolve();
  expect(timers.size).toBe(0);
});
