import type { PluginDescriptor } from "@multimaster/config";
import { callContained, type Json, Results } from "@multimaster/core";
import { z } from "zod";
import { defineStep } from "../define-step.ts";
import type { StepContext, StepRenderContext } from "../step-context.ts";
import { StepFailed } from "../step-errors.ts";
import { innerSteps, stepListOr } from "../step-options.ts";
import { readTextFile } from "./files/read-text-file.ts";

type Made = readonly PluginDescriptor<"step">[];

const options = z.object({
  steps: stepListOr<(build: StepRenderContext, value: Json) => Made | Promise<Made>>(
    "(build, value) that returns steps",
    "The steps, or (build, value) => steps, called when this step runs; `value` is what the file contains.",
  ),
  file: z.string().min(1).optional().describe("A file of the worker with JSON, relative to workdir."),
  workdir: z.string().default("build").describe("Relative to the builder's directory on the worker."),
  maxSize: z
    .int()
    .positive()
    .default(1024 * 1024)
    .describe("Maximum bytes of the file."),
  where: z.enum(["next", "end"]).default("next").describe("They run right after this step, or after all others."),
});

/**
 * Adds steps to the build that it runs in: `addSteps({ file: "suites.json", steps: (build, value) => … })`. The config's
 * function decides what the file of the worker may ask for.
 */
export default defineStep({
  type: "add-steps",
  options,
  rules: { haltOnFailure: true },
  inner: ({ steps }) => innerSteps("steps", steps),
  async run(ctx, { steps, file, workdir, maxSize, where }) {
    const value = file === undefined ? null : await readJson(ctx, ctx.path(workdir, file), maxSize);
    const made = typeof steps === "function" ? await callContained(() => steps(ctx, value)) : steps;
    if (!Array.isArray(made))
      throw new StepFailed(
        `The function "steps" must return a list of steps, not ${made === null ? "null" : typeof made}.`,
      );
    if (made.length === 0) return { results: Results.SUCCESS, summary: "no steps added" };
    const names = await ctx.addSteps(made, { where });
    const shown = names.length > 3 ? [...names.slice(0, 3), "…"] : names;
    const count = names.length === 1 ? "1 step" : `${names.length} steps`;
    return { results: Results.SUCCESS, summary: `added ${count}: ${shown.join(", ")}` };
  },
});

async function readJson(ctx: StepContext, path: string, maxSize: number): Promise<Json> {
  const text = await readTextFile(ctx, path, maxSize);
  try {
    return JSON.parse(text) as Json;
  } catch (error) {
    throw new StepFailed(
      `The file ${path} on worker ${ctx.worker.name} is not JSON: ${error instanceof Error ? error.message : error}`,
    );
  }
}
