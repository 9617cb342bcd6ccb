import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { systemClock } from "./clock.ts";
import { startTimeout } from "./timeout.ts";

const day = 24 * 3600 * 1000;

describe("a long delay", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it.each([1, day, 24 * day, 25 * day, 60 * day, 400 * day])("of %d ms is waited to its end", (ms) => {
    const fired = vi.fn();
    startTimeout(fired, ms);
    vi.advanceTimersByTime(ms - 1);
    expect(fired).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1);
    expect(fired).toHaveBeenCalledTimes(1);
  });

  it("without an end never fires, and can be cancelled in any of its parts", () => {
    const fired = vi.fn();
    startTimeout(fired, Number.POSITIVE_INFINITY);
    const cancel = startTimeout(fired, 60 * day);
    vi.advanceTimersByTime(30 * day);
    cancel();
    vi.advanceTimersByTime(400 * day);
    expect(fired).not.toHaveBeenCalled();
  });

  it("is what the clock waits as well", async () => {
    const fired = vi.fn();
    systemClock.after(30 * day, fired);
    void systemClock.sleep(30 * day).then(fired);
    await vi.advanceTimersByTimeAsync(29 * day);
    expect(fired).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(day);
    expect(fired).toHaveBeenCalledTimes(2);
  });
});
