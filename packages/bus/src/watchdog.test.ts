import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { startWatchdog } from "./watchdog.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

it("a peer that answers is left alone", () => {
  const dead = vi.fn();
  const watchdog = startWatchdog(1000, () => watchdog.alive(), dead);
  vi.advanceTimersByTime(60_000);
  expect(dead).not.toHaveBeenCalled();
  watchdog.end();
});

it("a peer that leaves two pings unanswered is dead, once", () => {
  const dead = vi.fn();
  const ping = vi.fn();
  startWatchdog(1000, ping, dead);
  vi.advanceTimersByTime(60_000);
  expect(ping).toHaveBeenCalledTimes(2);
  expect(dead).toHaveBeenCalledTimes(1);
});

it("a long stall of our own is not taken for a dead peer", () => {
  const dead = vi.fn();
  const watchdog = startWatchdog(1000, () => {}, dead);
  vi.advanceTimersByTime(1000);
  // The clock jumps without the timers having run, as it does for a blocked event loop.
  vi.setSystemTime(Date.now() + 60_000);
  vi.advanceTimersByTime(1000);
  watchdog.alive();
  vi.advanceTimersByTime(1000);
  expect(dead).not.toHaveBeenCalled();
  watchdog.end();
});
