import { errors, isNestedDeeper, type Json } from "@multimaster/core";
import type { NewChange } from "@multimaster/data";
import { z } from "zod";
import { defineHook } from "../define-hook.ts";
import { readFields } from "../hook-fields.ts";
import { openShape } from "../hook-options.ts";
import { warnOfOpen } from "../hook-warnings.ts";

/** No script sends properties nested deeper, and they would exhaust the stack of every reader. */
const maxDepth = 200;

const json = z.string().transform(parseJson);

const field = z.string().optional();
const fields = z.object({
  author: z.string({ error: "must not be empty" }).min(1, "must not be empty"),
  comments: z.string().default(""),
  committer: field,
  branch: field,
  revision: field,
  category: field,
  repository: field,
  project: field,
  codebase: field,
  revlink: field,
  files: json.pipe(z.array(z.string())).optional(),
  properties: json.pipe(z.record(z.string(), z.json())).optional(),
  when_timestamp: z.string().transform(parseTime).optional(),
  delivery: z.string().min(1, "must not be empty").max(255).optional(),
});

/** A change as form or query fields, for scripts and for services without a hook of their own. */
export default defineHook({
  type: "base",
  options: z.strictObject({
    ...openShape,
    codebase: z.string().optional().describe("Codebase of changes that name none."),
  }),
  warnings: warnOfOpen,
  parse(request, options) {
    const given = readFields(request);
    const named = {
      ...given,
      author: given["author"] || given["who"],
      when_timestamp: given["when_timestamp"] || given["when"] || undefined,
      files: given["files"] || undefined,
      properties: given["properties"] || undefined,
    };
    const parsed = fields.safeParse(named);
    if (!parsed.success) {
      const problems = parsed.error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`);
      throw errors.requestInvalid(problems.join("; "));
    }
    const { delivery, when_timestamp: when, codebase = options.codebase, properties, ...change } = parsed.data;
    return {
      changes: [
        {
          ...change,
          codebase,
          properties: properties as NewChange["properties"],
          ...(when === undefined ? {} : { whenTimestamp: when }),
        },
      ],
      delivery,
    };
  },
});

function parseJson(text: string, ctx: z.RefinementCtx): Json {
  try {
    const value = JSON.parse(text) as Json;
    if (!isNestedDeeper(value, maxDepth)) return value;
    ctx.addIssue(`is nested deeper than ${maxDepth} levels`);
  } catch {
    ctx.addIssue("is not JSON");
  }
  return z.NEVER;
}

/** Parses seconds since 1970, or an ISO date. */
function parseTime(text: string, ctx: z.RefinementCtx): number {
  const seconds = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Date.parse(text) / 1000;
  if (!Number.isFinite(seconds) || seconds < 0 || seconds >= 2 ** 31)
    ctx.addIssue({ code: "custom", message: `"${text}" is neither seconds since the epoch nor an ISO date` });
  return Math.floor(seconds);
}
