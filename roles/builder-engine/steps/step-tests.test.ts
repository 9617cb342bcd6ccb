import type { Data, NewTestResult } from "@multimaster/data";
import { describe, expect, it } from "vitest";
import type { Persistence } from "../builds/persistence.ts";
import { Secrets } from "../logs/secrets.ts";
import { createStepTests } from "./step-tests.ts";

const result: NewTestResult = { name: "a", path: null, line: null, durationNs: null, value: "pass" };
const kind = { category: "pass_fail", valueUnit: "outcome", failed: 0 };

/** What a step can call, and what is written of it, in order. */
function start(signal = new AbortController().signal, failure?: Error) {
  const written: unknown[] = [];
  const testResults = {
    add: async (set: unknown) => {
      if (failure) throw failure;
      written.push(set);
      return { setid: 7 };
    },
    append: async (setid: number, first: number, part: readonly NewTestResult[]) =>
      void written.push([setid, first, part.length, part[0]]),
    complete: async (setid: number, counts: unknown) => void written.push([setid, counts]),
  };
  const report = createStepTests({
    data: { updates: { testResults } } as unknown as Data,
    persistence: { write: (_what: string, write: () => Promise<unknown>) => write() } as unknown as Persistence,
    buildid: 1,
    stepid: 2,
    secrets: new Secrets({ token: "s3cr3t-t0ken" }),
    signal,
    onWait: () => void written.push("waits"),
    onReturn: async () => void written.push("goes on"),
  });
  return { report, written };
}

describe("what a step reports of tests", () => {
  it("gives control back to the step, also when it could not be written", async () => {
    const { report, written } = start(undefined, new Error("the database is away"));
    await expect(report({ ...kind, description: "unit", passed: 1, results: [result] })).rejects.toThrow("away");
    expect(written).toEqual(["waits", "goes on"]);
  });

  it("is written in pieces, while the step waits", async () => {
    const { report, written } = start();
    await report({ ...kind, description: "unit", passed: 2500, results: Array(2500).fill(result) });
    expect(written).toEqual([
      "waits",
      { buildid: 1, stepid: 2, description: "unit", category: "pass_fail", valueUnit: "outcome" },
      [7, 0, 1000, result],
      [7, 1000, 1000, result],
      [7, 2000, 500, result],
      [7, { passed: 2500, failed: 0 }],
      "goes on",
    ]);
  });

  it("holds no secret", async () => {
    const { report, written } = start();
    const told = { ...result, name: "logs in with s3cr3t-t0ken", path: "/tmp/s3cr3t-t0ken.py" };
    await report({ ...kind, description: "s3cr3t-t0ken", passed: 1, results: [told] });
    expect(JSON.stringify(written)).toContain("logs in with <token>");
    expect(JSON.stringify(written)).not.toContain("s3cr3t-t0ken");
  });

  it("is not written any more once the step is stopped", async () => {
    const { report, written } = start(AbortSignal.abort(new Error("stopped")));
    await expect(report({ ...kind, description: null, passed: 1, results: [result] })).rejects.toThrow("stopped");
    expect(written).toEqual([]);
  });
});
