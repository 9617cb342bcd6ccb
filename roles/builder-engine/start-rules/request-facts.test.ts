import type { Data } from "@multimaster/data";
import { expect, it } from "vitest";
import { RequestFacts } from "./request-facts.ts";

it("remembers as many requests as fit, by their number and their size", async () => {
  const read: number[] = [];
  const details = async (buildrequestid: number) => {
    read.push(buildrequestid);
    const properties = { text: ["x".repeat(1000), "test"] };
    return { buildrequestid, reason: "r", waitedFor: false, sourceStamps: [], changes: [], properties };
  };
  const data = { updates: { buildrequests: { details } } } as unknown as Data;
  const ask = (facts: RequestFacts, ids: readonly number[]) =>
    facts.read(
      ids.map((buildrequestid) => ({ buildrequestid, priority: 0, submittedAt: 0 })),
      "b",
    );
  for (const most of [
    { requests: 3, characters: 1e9 },
    { requests: 1e9, characters: 3500 },
  ]) {
    const facts = new RequestFacts(data, most);
    for (const id of [1, 2, 3, 1, 4]) await ask(facts, [id]);
    expect(read.splice(0)).toEqual([1, 2, 3, 4]);
    // The one that was not asked for longest is forgotten.
    await ask(facts, [1]);
    await ask(facts, [2]);
    expect(read.splice(0)).toEqual([2]);
  }
});
