import { type Json, Results } from "@multimaster/core";
import { describe, expect, it } from "vitest";
import type { StepContext, TestReport } from "../../step-context.ts";
import { parseSuppressions, WarningCounter, type WarningOptions } from "./count-warnings.ts";

/** Counts the warnings in these lines; returns what the step ends with and what its log lists. */
async function count(lines: string[], options: Partial<WarningOptions> = {}, before?: Json) {
  const properties = new Map<string, Json>(before === undefined ? [] : [["warnings-count", before]]);
  const log: string[] = [];
  const stored: string[] = [];
  const ctx = {
    name: "compile",
    addTestResults: async ({ category, results }: TestReport) =>
      void stored.push(...results.map(({ path, line, value }) => `${category} ${path}:${line} ${value}`)),
    properties: {
      get: (name: string) => properties.get(name),
      set: (name: string, value: Json) => properties.set(name, value),
    },
    log: async () => ({ write: async (text: string) => void log.push(text) }),
  } as unknown as StepContext;
  const defaults = { pattern: "warning", workdir: "build", suppressWarnings: [], maxWarnings: null };
  const counter = await WarningCounter.create(ctx, { ...defaults, ...options });
  for (const line of lines) counter.onLine(line);
  const end = await counter.finish(ctx, { results: Results.SUCCESS });
  return { end, log, total: properties.get("warnings-count"), ...(stored.length > 0 ? { stored } : {}) };
}

describe("the counter of warnings", () => {
  it("makes warnings of a success, and lists each line once", async () => {
    expect(await count(["a warning", "nothing", "a warning", "another warning"])).toEqual({
      end: { results: Results.WARNINGS, reason: "3 warnings" },
      log: ["a warning  [2 times]\n", "another warning\n"],
      total: 3,
    });
  });

  it("stores those that name a file and a line, each once", async () => {
    const lines = [
      "a.c:3:1: warning: unused",
      "a.c:3:1: warning: unused",
      "src\\b.cs(12,4): warning CS1: old",
      "a warning",
    ];
    expect((await count(lines)).stored).toEqual([
      "code_issue a.c:3 warning: unused",
      "code_issue src\\b.cs:12 warning CS1: old",
    ]);
  });

  it("adds to what earlier steps of the build have counted", async () => {
    expect((await count(["a warning"], {}, 4)).total).toBe(5);
    expect((await count([], {}, 4)).total).toBe(4);
    expect((await count([])).total).toBe(0);
  });

  it("fails above the maximum", async () => {
    expect((await count(["warning 1", "warning 2"], { maxWarnings: 2 })).end.results).toBe(Results.WARNINGS);
    expect((await count(["warning 1", "warning 2"], { maxWarnings: 1 })).end).toEqual({
      results: Results.FAILURE,
      reason: "2 warnings, more than 1 (maxWarnings)",
    });
  });

  it.each([
    [{ file: "^old/" }, "old/a.c:3:1: warning: x", "new/a.c:3:1: warning: x"],
    [{ text: "unused" }, "a.c:3: warning: unused", "a.c:3: warning: used"],
    [{ file: "a.c", lines: [3, 5] as [number, number] }, "a.c:4: warning", "a.c:6: warning"],
    [{ file: "a.cs" }, "src\\a.cs(12,4): warning CS1", "src\\b.cs(12,4): warning CS1"],
    [{ file: "^C:" }, "C:\\x\\a.c:4: warning", "D:\\x\\a.c:4: warning"],
  ])("leaves out what %j suppresses", async (suppression, suppressed, counted) => {
    const { total, log } = await count([suppressed, counted], { suppressWarnings: [suppression] });
    expect([total, log]).toEqual([1, [`${counted}\n`]]);
  });
});

describe("a file of suppressions", () => {
  it("has a line for each", () => {
    expect(parseSuppressions("# comment\n\nsrc/old : unused\n- : deprecated : 10-20\nx.c : : 7\n", "f")).toEqual([
      { file: "src/old", text: "unused" },
      { text: "deprecated", lines: [10, 20] },
      { file: "x.c", lines: [7, 7] },
    ]);
  });

  it.each([
    ["a : b : c", 'f, line 1: must be "file : text"'],
    ["a : b : 1-2 : d", "f, line 1: must be"],
    ["ok : fine\n( : b", "f, line 2: is not a regular expression"],
    ["(?=a) : b", "f, line 1: has lookahead"],
  ])("that is wrong is refused with a sentence: %s", (text, sentence) =>
    expect(() => parseSuppressions(text, "f")).toThrow(sentence),
  );
});
