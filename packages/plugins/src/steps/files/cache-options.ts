import { duration, toFileName } from "@multimaster/core";
import { z } from "zod";

/** As much of a scope as the database stores. */
const longestScope = 200;

/** The options that the steps save-cache and restore-cache have in common. */
export const cacheShape = {
  key: z.string().min(1).describe("The key, which may be a function of the build."),
  files: z
    .array(z.string().min(1))
    .default([])
    .describe("Files of the worker, such as `package-lock.json`: the checksum of their bytes is added to the key."),
  scope: z
    .string()
    .min(1)
    .max(longestScope)
    .optional()
    .describe("Builders that share caches name the same scope; by default each builder has its own."),
  workdir: z.string().default("build").describe("Relative to the builder's directory on the worker."),
  timeout: duration.prefault("20m").describe("Longest time for packing or unpacking with the worker's tar."),
} as const;

/** Whose caches a build uses: those of the given scope, or of its builder. */
export function scopeOf(given: string | undefined, builder: string): string {
  return given ?? (builder.length <= longestScope ? builder : toFileName(builder));
}
