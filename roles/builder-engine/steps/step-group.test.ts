import { type Result, Results } from "@multimaster/core";
import { expect, it } from "vitest";
import type { Interruption } from "./interruption.ts";
import { type Member, StepGroup, type StepGroupOptions } from "./step-group.ts";

/** Members that run until they are interrupted, but for those of these names, which fail to be written. */
function makeGroup(names: readonly string[], { unwritten = [] as string[], returned = () => {} } = {}) {
  const [ended, skipped]: [string[], number[]] = [[], []];
  const rules = { alwaysRun: false, cleanUp: false, flunkOnFailure: true, haltOnFailure: true };
  const members = names.map((name, stepid) => ({
    step: { type: name, rulesOf: () => rules },
    options: {},
    row: { stepid, name },
  }));
  const begin = ({ step: { type } }: { readonly step: { readonly type: string } }): Member => {
    let stop: (interruption: Interruption) => void = () => undefined;
    const interrupted = new Promise<Interruption>((resolve) => (stop = resolve));
    const run = async (): Promise<{ results: Result }> => {
      if (unwritten.includes(type)) throw new Error("the database is away");
      const { results } = await interrupted;
      ended.push(`${type} ${results}`);
      return { results };
    };
    return { patienceMs: 0, interrupt: (interruption) => stop(interruption), run };
  };
  const scope = {
    build: { buildid: 1 },
    planned: { addMembers: async () => members },
    engine: {
      persistence: { write: (_: string, write: () => unknown) => write() },
      data: { updates: { steps: { skip: async (ids: number[]) => void skipped.push(...ids) } } },
    },
  };
  const options = {
    ...{ scope, name: "group", begin, signal: new AbortController().signal },
    ...{ additions: { writer: () => undefined }, lockedBy: () => undefined },
    ...{ onWait: () => undefined, onReturn: async () => returned() },
  };
  return { group: new StepGroup(options as unknown as StepGroupOptions), ended, skipped };
}

it("stops what its step did not wait for, and begins no more of it", async () => {
  const { group, ended, skipped } = makeGroup(["one", "two"]);
  void group.run([], { maxInFlight: 1 });
  await new Promise(setImmediate);
  await group.close();
  expect([ended, skipped]).toEqual([[`one ${Results.CANCELLED}`], [1]]);
});

it("does not wait for the others to end by themselves when one could not be written", async () => {
  let returns = 0;
  const { group, ended } = makeGroup(["one", "two", "three"], { unwritten: ["two"], returned: () => (returns += 1) });
  await expect(group.run([], { maxInFlight: 2 })).rejects.toThrow("the database is away");
  expect(returns).toBe(1);
  expect(ended).toEqual([`one ${Results.RETRY}`]);
});
