import { describe, expect, it } from "vitest";
import { type BuildOutcome, findLedgerViolations, parseEntry } from "./ledger.ts";

let nonce = 0;

/** Entries such as "begin job 1 of 7 on w1". */
const entries = (...lines: string[]) =>
  lines.map((line) => parseEntry(line.replace(/ of (\d+) on (\S+)$/, ` request=$1 worker=$2 nonce=${nonce++}`)));
const build = (request: number, number: number, results: number): BuildOutcome => ({
  request,
  builder: "job",
  number,
  results,
});

describe("the ledger", () => {
  it("has nothing against runs that end once, and were killed or retried before", () => {
    const ledger = entries(
      "begin job 1 of 7 on w1",
      "begin job 2 of 8 on w2",
      "end job 2 of 8 on w2",
      "begin job 3 of 7 on w1",
      "end job 3 of 7 on w1",
      "begin job 4 of 8 on w1",
      "end job 4 of 8 on w1",
    );
    const builds = [build(7, 1, 5), build(8, 2, 5), build(7, 3, 0), build(8, 4, 0)];
    expect(findLedgerViolations(ledger, builds)).toEqual([]);
  });

  it("knows a request that ended twice", () => {
    const ledger = entries(
      "begin job 1 of 7 on w1",
      "end job 1 of 7 on w1",
      "begin job 2 of 7 on w2",
      "end job 2 of 7 on w2",
    );
    expect(findLedgerViolations(ledger, [build(7, 1, 4), build(7, 2, 0)])).toEqual([
      "request 7 ended more than once: end job 1 on w1, end job 2 on w2",
    ]);
  });

  it("knows a request that is complete and did not end", () => {
    const ledger = entries("begin job 1 of 7 on w1");
    expect(
      findLedgerViolations(ledger, [build(7, 1, 0), build(8, 2, 2), { ...build(9, 1, 0), builder: "mute" }]),
    ).toEqual(["request 7 is complete, but job 1 never ended"]);
  });

  it("knows two runs in one directory, and a step that was run twice", () => {
    const ledger = entries(
      "begin job 1 of 7 on w1",
      "begin job 2 of 8 on w1",
      "begin other 1 of 9 on w1",
      "end job 1 of 7 on w1",
      "begin job 2 of 8 on w1",
    );
    expect(findLedgerViolations(ledger, [])).toEqual([
      "job on w1: begin job 2 within begin job 1",
      expect.stringMatching(/^request 8: begin job 2 was run 2 times: /),
    ]);
  });

  it("takes the request of an older release's line from the rows", () => {
    const ledger = entries("begin job 1", "end job 1", "begin job 2 of 7 on w1", "end job 2 of 7 on w1");
    expect(findLedgerViolations(ledger, [build(7, 1, 0), build(7, 2, 0)])).toEqual([
      "request 7 ended more than once: end job 1 on ?, end job 2 on w1",
    ]);
  });

  it("refuses a line that was torn", () => {
    expect(() => parseEntry("begin job 1 requ")).toThrow("this is no line of the ledger: begin job 1 requ");
  });
});
