import { type Result, Results } from "@multimaster/core";
import { expect, it } from "vitest";
import type { StepContext } from "../../step-context.ts";
import { OutputFollower } from "./follow-output.ts";

it("keeps the result of a step that is announced again while it is open", async () => {
  const ended: [string, Result][] = [];
  const log = async () => ({ write: async () => undefined });
  let count = 0;
  const announceStep = async (wanted: string) => {
    const name = `${wanted} ${++count}`;
    const end = async ({ results }: { results: Result }) => void ended.push([name, results]);
    return { name, log, addUrl: async () => undefined, end };
  };
  const ctx = { log, announceStep, properties: { set: () => undefined } } as unknown as StepContext;
  const follower = new OutputFollower(ctx, { maxSteps: 10, properties: [] });
  const marks = ["SEED_STEP b", "BUILD_STEP a", "STEP_FAILURE", "STEP_CURSOR b", "STEP_STARTED", "BUILD_STEP a"];
  await follower.onText(marks.map((mark) => `@@@${mark}@@@\n`).join(""), "stdout");
  expect(await follower.finish(0)).toMatchObject({ results: Results.FAILURE, count: 3 });
  expect(ended).toEqual([
    ["b 2", Results.SUCCESS],
    ["a 1", Results.FAILURE],
    ["a 3", Results.SUCCESS],
  ]);
});
