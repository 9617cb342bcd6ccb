import { randomUUID } from "node:crypto";
import { Results } from "@multimaster/core";
import { z } from "zod";
import { defineStep, type StepEnd } from "../define-step.ts";
import type { StepContext } from "../step-context.ts";
import { ArtifactRefused } from "../step-errors.ts";
import { makeCacheKey } from "./files/cache-key.ts";
import { cacheShape, scopeOf } from "./files/cache-options.ts";
import { endWithSentence } from "./files/end-with-sentence.ts";
import { removeFile, sendFile } from "./files/transfer-file.ts";

const options = z.object({
  ...cacheShape,
  paths: z
    .array(
      z
        .string()
        .min(1)
        .regex(/^(?!-)/, 'must not begin with "-"')
        .refine(isInside, 'must be a path below workdir: not absolute, without "..", and no shell expands "~"'),
    )
    .min(1)
    .describe("Directories and files of the worker to keep, relative to workdir and below it."),
});

/** tar would restore a path outside of workdir elsewhere: below it. */
function isInside(path: string): boolean {
  return !/^([/\\~]|[A-Za-z]:)/.test(path) && !path.split(/[/\\]/).includes("..");
}

/** Keeps directories for later builds: `saveCache({ key: "npm-", files: ["package-lock.json"], paths: ["node_modules"] })`. */
export default defineStep({
  type: "save-cache",
  options,
  rules: { flunkOnFailure: false, warnOnFailure: true },
  run: (ctx, { paths, scope: given, timeout, ...rest }): Promise<StepEnd> =>
    endWithSentence("save cache", async () => {
      const { caches } = ctx.artifacts;
      if (caches.refusal !== undefined)
        return { results: Results.SKIPPED, summary: "cache not saved", reason: caches.refusal };
      const scope = scopeOf(given, ctx.build.builderName);
      const key = await makeCacheKey(ctx, rest);
      if ((await caches.find(scope, key, [])) !== undefined)
        return { results: Results.SUCCESS, summary: "cache is there already" };
      const archive = ctx.path(`.cache-${randomUUID()}.tar.gz`);
      const { workdir } = rest;
      try {
        const command = ["tar", "-czf", archive, "--", ...paths];
        const { rc } = await ctx.shell({ command, workdir, maxTime: timeout / 1000 });
        if (rc !== 0) throw new ArtifactRefused(`The worker's tar could not pack the cache (code ${rc}).`);
        await store(ctx, scope, key, archive);
      } finally {
        await removeFile(ctx, archive);
      }
      return { results: Results.SUCCESS, summary: "cache saved" };
    }),
});

async function store(ctx: StepContext, scope: string, key: string, archive: string): Promise<void> {
  const upload = ctx.artifacts.caches.upload(scope);
  try {
    await sendFile(ctx, archive, ctx.artifacts.caches.maxSize, () => upload.add(key));
    await upload.publish();
  } finally {
    await upload.discard();
  }
}
