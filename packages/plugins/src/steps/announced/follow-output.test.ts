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

it("bounds the names, texts and links of steps, and says once what it leaves out", async () => {
  const noted: string[] = [];
  const links: string[] = [];
  const ended: string[] = [];
  const names: string[] = [];
  const log = async () => ({ write: async (text: string) => void noted.push(text) });
  const announceStep = async (name: string) => {
    names.push(name);
    const addUrl = async (label: string) => void links.push(label);
    return { name: "a", log, addUrl, end: async ({ text }: { text: string }) => void ended.push(text) };
  };
  const ctx = { log, announceStep, properties: { set: () => undefined } } as unknown as StepContext;
  const follower = new OutputFollower(ctx, { maxSteps: 2, properties: [] });
  const lines = [
    `BUILD_STEP ${"n".repeat(5000)}`,
    ...Array.from({ length: 80 }, (_, i) => `STEP_LINK@${"l".repeat(500)}@http://example.org/${i}`),
    ...Array.from({ length: 3 }, () => `STEP_TEXT@${"t".repeat(900)}`),
    "BUILD_STEP second",
    ...Array.from({ length: 9 }, (_, i) => `BUILD_STEP further ${i}`),
  ];
  await follower.onText(lines.map((line) => `@@@${line}@@@\n`).join(""), "stdout");
  await follower.finish(0);
  expect(names.map(({ length }) => length)).toEqual([200, 6]);
  expect([links.length, new Set(links.map(({ length }) => length))]).toEqual([50, new Set([200])]);
  expect(ended.map(({ length }) => length)).toEqual([1000, 8]);
  for (const sentence of [
    /^the name of the step ".*" is cut after 50 characters/,
    /more than 50 links/,
    /the text of the step .* is cut/,
    /more than 2 steps/,
  ])
    expect(noted.filter((text) => sentence.test(text))).toHaveLength(1);
});
