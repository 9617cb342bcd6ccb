import { Results } from "@multimaster/core";
import { z } from "zod";
import { defineStep, type StepEnd } from "../define-step.ts";
import { endWithSentence } from "./files/end-with-sentence.ts";
import { receiveFile, textSource } from "./files/transfer-file.ts";

const options = z.object({
  text: z
    .string()
    .max(16 * 1024 * 1024)
    .describe("The content of the file; it may be a function of the build, and contain a secret."),
  to: z.string().min(1).describe("Path of the file on the worker, relative to workdir; it replaces one that is there."),
  workdir: z.string().default("build").describe("Relative to the builder's directory on the worker."),
  mode: z.int().min(0).max(0o777).default(0o600).describe("Permissions of the file, such as 0o755."),
});

/** Writes a text to a file of the worker: `downloadText({ text: (b) => b.secret("key"), to: "key.pem" })`. */
export default defineStep({
  type: "download-text",
  options,
  rules: { haltOnFailure: true },
  run: (ctx, { text, to, workdir, mode }): Promise<StepEnd> =>
    endWithSentence(`write ${to}`, async () => {
      await receiveFile(ctx, ctx.path(workdir, to), mode, textSource(text));
      return { results: Results.SUCCESS, summary: `write ${to}` };
    }),
});
