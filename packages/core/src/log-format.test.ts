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
