import { afterEach, expect, it, vi } from "vitest";
import { callGuarded, FunctionSuspended, suspensionOf } from "./guard-calls.ts";
import { limitTime } from "./limit-time.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

it("a function that blocks three times is not called for ten minutes, others are", () => {
  let blocks = true;
  let calls = 0;
  let limitMs = 20;
  const hang = () => {
    calls++;
    while (blocks);
    return "back";
  };
  const call = () => callGuarded(hang, hang, limitMs);
  for (let i = 0; i < 3; i++) {
    expect(suspensionOf(hang)).toBeUndefined();
    expect(call).toThrow("blocked its master");
  }
  expect(suspensionOf(hang)).toMatch(/^it blocked its master 3 times, and is not called before \d{4}-.+Z$/);
  // On a busy machine the limit of one may have passed before it began.
  const before = calls;
  expect(call).toThrow(FunctionSuspended);
  expect(calls).toBe(before);
  const other = () => "fine";
  expect(callGuarded(other, other, 10_000)).toBe("fine");
  vi.spyOn(performance, "now").mockReturnValue(1e9);
  blocks = false;
  limitMs = 10_000;
  expect(call()).toBe("back");
});

it("time in which the event loop stood still is no time of a target's", async () => {
  const late = vi.fn();
  const end = limitTime(400, late);
  const began = performance.now();
  while (performance.now() - began < 900);
  await new Promise((resolve) => setImmediate(resolve));
  await new Promise((resolve) => setImmediate(resolve));
  expect(late).not.toHaveBeenCalled();
  await vi.waitFor(() => expect(late).toHaveBeenCalledTimes(1), 20_000);
  end();
  const never = vi.fn();
  limitTime(10, never)();
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(never).not.toHaveBeenCalled();
});
