import { randomUUID } from "node:crypto";
import { Results } from "@multimaster/core";
import { z } from "zod";
import { defineStep, type StepEnd } from "../define-step.ts";
import { ArtifactRefused } from "../step-errors.ts";
import { makeCacheKey } from "./files/cache-key.ts";
import { cacheShape, scopeOf } from "./files/cache-options.ts";
import { endWithSentence } from "./files/end-with-sentence.ts";
import { receiveFile, removeFile } from "./files/transfer-file.ts";

const options = z.object({
  ...cacheShape,
  fallbackKeys: z
    .array(z.string().min(1))
    .default([])
    .describe(
      "If there is no cache of the key: beginnings of keys, tried in their order. The newest such cache is taken.",
    ),
  property: z
    .string()
    .min(1)
    .optional()
    .describe("A property that gets `exact`, `partial` (by a fallback key) or `none`."),
});

/** Restores what an earlier build has saved: `restoreCache({ key: "npm-", files: ["package-lock.json"], fallbackKeys: ["npm-"] })`. */
export default defineStep({
  type: "restore-cache",
  options,
  // A build without its cache is only slower.
  rules: { flunkOnFailure: false, warnOnFailure: true },
  run: (ctx, { fallbackKeys, property, scope, timeout, ...rest }): Promise<StepEnd> =>
    endWithSentence("restore cache", async () => {
      const { workdir } = rest;
      const key = await makeCacheKey(ctx, rest);
      const found = await ctx.artifacts.caches.find(scopeOf(scope, ctx.build.builderName), key, fallbackKeys);
      const set = (value: string) => property !== undefined && ctx.properties.set(property, value);
      if (found === undefined) {
        set("none");
        return { results: Results.SUCCESS, summary: "no cache" };
      }
      const archive = ctx.path(`.cache-${randomUUID()}.tar.gz`);
      try {
        await receiveFile(ctx, archive, 0o600, ctx.artifacts.open(found));
        const { rc } = await ctx.shell({ command: ["tar", "-xzf", archive], workdir, maxTime: timeout / 1000 });
        if (rc !== 0) throw new ArtifactRefused(`The worker's tar could not unpack the cache (code ${rc}).`);
      } finally {
        await removeFile(ctx, archive);
      }
      const isExact = found.name === key;
      set(isExact ? "exact" : "partial");
      return { results: Results.SUCCESS, summary: isExact ? "cache restored" : `older cache restored (${found.name})` };
    }),
});
