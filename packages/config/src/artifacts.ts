import { duration } from "@multimaster/core";
import { z } from "zod";
import { descriptorOf } from "./plugin.ts";

const bytes = z.int().positive();

/** Where the files that builds leave are kept, and for how long. */
export const artifactsConfig = z.strictObject({
  store: descriptorOf("artifact-store").describe(
    "Where the bytes are kept: a store such as directory({ path }) or s3({ … }) ([artifacts.md](../artifacts.md)).",
  ),
  maxSize: bytes.default(10 * 1024 ** 3).describe("Maximum bytes of one artifact."),
  maxFiles: z.int().positive().default(100_000).describe("Maximum number of artifacts that one step uploads."),
  keepFor: duration
    .nullable()
    .default(null)
    .describe("Artifacts are removed this long after they were uploaded; null: they are not removed for their age."),
  keepBuilds: z
    .int()
    .positive()
    .nullable()
    .default(null)
    .describe(
      "Of each builder, the newest builds whose artifacts are kept, those of forks counted apart; null: those of all.",
    ),
  caches: z
    .strictObject({
      maxSize: bytes.default(2 * 1024 ** 3).describe("Maximum bytes of one cache."),
      maxTotalSize: bytes
        .default(20 * 1024 ** 3)
        .describe("Maximum bytes of all caches together: those that were not used for the longest time are removed."),
      unusedFor: duration.prefault("30d").describe("A cache that was not used for this long is removed."),
    })
    .prefault({})
    .describe("The caches of the steps save-cache and restore-cache."),
});

export type ArtifactsConfig = z.output<typeof artifactsConfig>;
