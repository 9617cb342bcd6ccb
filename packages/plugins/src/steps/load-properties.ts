import { type Json, Results } from "@multimaster/core";
import { z } from "zod";
import { defineStep } from "../define-step.ts";
import { readTextFile } from "./files/read-text-file.ts";

/** Properties that one step sets. */
const mostProperties = 1000;

const options = z.object({
  file: z.string().min(1).describe("A file of the worker with a JSON object, relative to workdir."),
  workdir: z.string().default("build").describe("Relative to the builder's directory on the worker."),
  prefix: z.string().default("").describe("Comes before each name."),
  only: z.array(z.string()).optional().describe("Names that are taken; by default all."),
  maxSize: z
    .int()
    .positive()
    .default(1024 * 1024)
    .describe("Maximum bytes of the file."),
});

/** Sets properties of the build from a JSON file that the build has written: `loadProperties({ file: "version.json" })`. */
export default defineStep({
  type: "load-properties",
  options,
  async run(ctx, { file, workdir, prefix, only, maxSize }) {
    const text = await readTextFile(ctx, ctx.path(workdir, file), maxSize);
    const values = parse(text);
    if (typeof values === "string")
      return { results: Results.FAILURE, summary: `no properties from ${file}`, reason: values };
    const taken = Object.entries(values).filter(([name]) => only === undefined || only.includes(name));
    if (taken.length > mostProperties)
      return {
        results: Results.FAILURE,
        summary: `properties from ${file}`,
        reason: `it has ${taken.length}; at most ${mostProperties} are set`,
      };
    const missing = (only ?? []).filter((name) => !Object.hasOwn(values, name));
    if (missing.length > 0)
      return {
        results: Results.FAILURE,
        summary: `properties from ${file}`,
        reason: `it has no ${missing.join(", ")}`,
      };
    for (const [name, value] of taken) ctx.properties.set(`${prefix}${name}`, value);
    return { results: Results.SUCCESS, summary: `${taken.length} properties from ${file}` };
  },
});

/** The object in a text, or what is wrong with it. */
function parse(text: string): Record<string, Json> | string {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return `it is not JSON: ${error instanceof Error ? error.message : String(error)}`;
  }
  const parsed = z.record(z.string(), z.json()).safeParse(value);
  return parsed.success ? (parsed.data as Record<string, Json>) : "it is not a JSON object";
}
