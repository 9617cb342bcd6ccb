import { describe, expect, it } from "vitest";
import { resolveEnvironment } from "./environment.ts";

describe("the environment of a command", () => {
  const own = { HOME: "/home/w", PATH: "/bin", PYTHONPATH: "/site" };

  it("is the worker's own and PWD when nothing is asked for", () => {
    expect(resolveEnvironment(own, null, "/w")).toEqual({ ...own, PWD: "/w" });
  });

  it("removes, joins, prepends and expands in one pass", () => {
    const requested = {
      HOME: null,
      PATH: ["/opt/bin", "${PATH}"],
      PYTHONPATH: "/mine",
      A: "${HOME}-${NONE}-${A}-$HOME",
    };
    expect(resolveEnvironment(own, requested, "/w")).toEqual({
      PATH: "/opt/bin:/bin",
      PYTHONPATH: "/mine:/site",
      A: "/home/w---$HOME",
      PWD: "/w",
    });
  });

  it("has the command's directory as PWD whatever was asked for", () => {
    expect(resolveEnvironment(own, { PWD: "/else" }, "/w")["PWD"]).toBe("/w");
  });
});
