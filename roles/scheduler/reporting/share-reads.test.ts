import type { BuildDetails, ReportedBuild } from "@multimaster/data";
import { expect, it } from "vitest";
import { shareReads } from "./share-reads.ts";

/** Builds as rows have them; what is read waits until the test lets it through. */
function fakeReads() {
  const results = new Map<number, number | null>();
  const calls: string[] = [];
  const gates: (() => void)[] = [];
  const clock = { now: () => time };
  let time = 0;
  const read = async (buildids: readonly number[]) => {
    calls.push(`builds ${buildids.join(" ")}`);
    // As of now, however long it takes.
    const rows = new Map(
      buildids.flatMap((id): [number, ReportedBuild][] =>
        results.has(id) ? [[id, { buildid: id, results: results.get(id) } as ReportedBuild]] : [],
      ),
    );
    await new Promise<void>((resolve) => gates.push(resolve));
    return rows;
  };
  const shared = shareReads(
    {
      readBuilds: read,
      async readDetails(buildid: number): Promise<BuildDetails> {
        calls.push(`details ${buildid}`);
        return { steps: [], changes: [], failingTests: [] };
      },
    },
    clock,
  );
  return {
    results,
    calls,
    shared,
    pass: (ms: number) => void (time += ms),
    async open<T>(reading: Promise<T>): Promise<T> {
      const openAll = () => {
        for (const openGate of gates.splice(0)) openGate();
      };
      const timer = setInterval(openAll, 1);
      return reading.finally(() => clearInterval(timer));
    },
  };
}

it("a build that has ended is read once for all reporters, with its details, and again after a while", async () => {
  const { results, calls, shared, open, pass } = fakeReads();
  results.set(1, 0).set(2, 2);
  const all = await open(Promise.all([shared.readBuilds([1, 2]), shared.readBuilds([2, 1]), shared.readBuilds([1])]));
  expect(all.map((builds) => builds.size)).toEqual([2, 2, 1]);
  await Promise.all([shared.readDetails(1), shared.readDetails(1), shared.readDetails(1)]);
  expect(calls).toEqual(["builds 1 2", "details 1"]);
  pass(60_000);
  await open(shared.readBuilds([1]));
  expect(calls).toHaveLength(3);
});

it("what was read of a build that ran is not shared with a reporter of its end", async () => {
  const { results, calls, shared, open } = fakeReads();
  results.set(1, null);
  const ofBegin = shared.readBuilds([1]);
  // It ends while the first read is under way.
  results.set(1, 0);
  const ofEnd = shared.readBuilds([1]);
  const [begun, ended] = await open(Promise.all([ofBegin, ofEnd]));
  expect([begun.get(1)?.results, ended.get(1)?.results]).toEqual([null, 0]);
  expect(calls).toEqual(["builds 1", "builds 1"]);
  await open(shared.readBuilds([1]));
  await shared.readDetails(1);
  expect(calls).toHaveLength(4);
});

it("a build that is not there is asked for by each", async () => {
  const { calls, shared, open } = fakeReads();
  const [one] = await open(Promise.all([shared.readBuilds([7])]));
  expect(one?.size).toBe(0);
  await open(shared.readBuilds([7]));
  expect(calls).toEqual(["builds 7", "builds 7"]);
});
