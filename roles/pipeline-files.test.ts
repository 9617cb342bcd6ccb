import { expect, it } from "vitest";
import { checkPipelineFile, readPipelineRules } from "./pipeline-files.ts";

const check = async (text: string) =>
  checkPipelineFile("pipeline.yaml", Buffer.from(text), await readPipelineRules(undefined));
const steps = (count: number) => `steps:\n${"  - shell: { command: make }\n".repeat(count)}`;

it("has the usual limits of a build without a config", async () => {
  expect(await check(steps(100))).toEqual({ steps: 100 });
  expect(await check(steps(101))).toMatchObject({
    problems: expect.stringContaining("101 steps, more than the 100 that are allowed"),
  });
  expect(await check(`${steps(1)}${"#".repeat(64 * 1024)}`)).toMatchObject({
    problems: expect.stringContaining("more than the 65536 that are read"),
  });
});
