import { expect, it } from "vitest";
import { prettyLine } from "./log-format.ts";

it("a line of the log reads well, with all that is in it", () => {
  const line = {
    level: "warn",
    time: "2026-01-02T03:04:05Z",
    master: "m",
    service: "ui",
    msg: "hm",
    url: "http://x",
    n: [1],
  };
  expect(prettyLine(JSON.stringify(line))).toBe("2026-01-02T03:04:05Z WARN  [m ui] hm url=http://x n=[1]\n");
  expect(prettyLine(JSON.stringify({ level: "error", msg: "no", err: { stack: "Error: x\n  at y" } }))).toMatch(
    /Error: x\n {2}at y\n$/,
  );
});

it("what others wrote moves no cursor, and makes no line of its own", () => {
  const nasty = "ann\u001b[2J\u001b]0;x\u0007\r\n2026 INFO [m] all is well\u009b31m\u007f\u202e\u2028";
  for (const line of [
    { msg: nasty },
    { user: nasty },
    { [nasty]: 1 },
    { n: { deep: nasty } },
    { service: nasty },
    { time: nasty },
  ]) {
    const shown = prettyLine(JSON.stringify({ level: "info", ...line }));
    expect(shown.slice(0, -1)).not.toMatch(/[\p{Cc}\u2028\u202e]/u);
    expect(shown).toContain("ann");
  }
  const stack = prettyLine(JSON.stringify({ level: "error", err: { stack: `Error: ${nasty}\n  at y` } }));
  expect(stack.replaceAll("\n", "")).not.toMatch(/\p{Cc}/u);
  expect(stack).toContain("\\x1b[2J");
});
