import { setImmediate } from "node:timers/promises";
import { expect, it, vi } from "vitest";
import { logWarnings } from "./log-warnings.ts";

it("writes a warning of Node to the log instead of the text between its lines", async () => {
  const print = vi.fn();
  process.on("warning", print);
  const warn = vi.fn();
  const stop = logWarnings({ warn });
  process.emitWarning("a leak", "LeakWarning");
  await setImmediate();
  expect(warn).toHaveBeenCalledExactlyOnceWith(
    { warning: "LeakWarning", err: expect.any(Error) },
    "Node.js warns: a leak",
  );
  expect(print).not.toHaveBeenCalled();
  stop();
  expect(process.listeners("warning")).toContain(print);
  process.off("warning", print);
});
