import { describe, expect, it } from "vitest";
import { systemClock } from "./clock.ts";
import { waitAtMost } from "./wait-at-most.ts";

const never = new Promise<string>(() => {});

describe("waiting for something at most so long", () => {
  it("returns the result if it comes in time, and passes an error on", async () => {
    expect(await waitAtMost(systemClock, 60_000, Promise.resolve("x"))).toBe("x");
    await expect(waitAtMost(systemClock, 60_000, Promise.reject(new Error("no")))).rejects.toThrow("no");
  });

  it("returns nothing when the time is over or the signal aborts", async () => {
    expect(await waitAtMost(systemClock, 1, never)).toBeUndefined();
    expect(await waitAtMost(systemClock, 60_000, never, AbortSignal.abort())).toBeUndefined();
  });

  it("leaves no timer behind that would keep the process", async () => {
    const timers = () => process.getActiveResourcesInfo().filter((kind) => kind === "Timeout").length;
    const before = timers();
    await waitAtMost(systemClock, 60_000, Promise.resolve());
    expect(timers()).toBe(before);
  });
});
