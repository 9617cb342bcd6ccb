import { describe, expect, it, vi } from "vitest";
import { systemClock } from "./clock.ts";
import { onAbort } from "./on-abort.ts";

describe("listening to a signal", () => {
  it("calls each once, in order, and none that was taken back, also by another one", () => {
    const abort = new AbortController();
    const called: string[] = [];
    let takeBack = () => {};
    onAbort(abort.signal, () => {
      called.push("first");
      takeBack();
    });
    takeBack = onAbort(abort.signal, () => called.push("never"));
    onAbort(abort.signal, () => called.push("last"));
    const same = () => called.push("same");
    onAbort(abort.signal, same)();
    onAbort(abort.signal, same);
    abort.abort();
    onAbort(abort.signal, () => called.push("now"));
    expect(called).toEqual(["first", "last", "same", "now"]);
  });

  it("makes no warning of a leak, however many listen or sleep", async () => {
    const warned = vi.fn();
    process.on("warning", warned);
    const abort = new AbortController();
    const ends = Array.from({ length: 200 }, () => systemClock.sleep(60_000, abort.signal));
    for (let n = 0; n < 200; n += 1) onAbort(abort.signal, () => undefined);
    await new Promise((resolve) => setImmediate(resolve));
    abort.abort();
    await Promise.all(ends);
    process.off("warning", warned);
    expect(warned).not.toHaveBeenCalled();
  });
});
