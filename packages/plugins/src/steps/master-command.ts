import { duration, Results } from "@multimaster/core";
import { z } from "zod";
import { defineStep, type StepEnd } from "../define-step.ts";
import { endWithSentence } from "./files/end-with-sentence.ts";

const options = z.object({
  command: z
    .array(z.string())
    .min(1)
    .describe("The program with its arguments. No shell reads them, so that a value of the build is only a value."),
  env: z
    .record(z.string(), z.string())
    .default({})
    .describe("Variables, beside PATH, HOME and the like; nothing else of the master's environment is passed on."),
  timeout: duration.prefault("10m").describe("Longest time; then it is killed, with what it has started."),
  maxOutput: z
    .int()
    .positive()
    .default(10 * 1024 * 1024)
    .describe("Maximum bytes of output; after more it is killed."),
  property: z
    .string()
    .min(1)
    .optional()
    .describe("A property that gets the standard output, without spaces at its ends."),
});

/** Bytes of output that a property takes. */
const longestProperty = 1024 * 1024;

/**
 * Runs a program on the engine's machine, as the user of the master: `masterCommand({ command: ["sign", "app.tar.gz"] })`. The
 * config must allow it (`onMaster.commands`); builds of a fork's code never may.
 */
export default defineStep({
  type: "master-command",
  options,
  rules: { haltOnFailure: true },
  onMaster: () => [{ needs: "commands" }],
  run: (ctx, { command, env, timeout, maxOutput, property }): Promise<StepEnd> => {
    const summary = `'${command.slice(0, 2).join(" ")}${command.length > 2 ? " ..." : ""}' on the master`;
    return endWithSentence(summary, async () => {
      const log = await ctx.log("stdio");
      await log.write(`${command.join(" ")}\n`, "header");
      let output = "";
      const { rc, killed } = await ctx.master.run({
        command,
        env,
        timeout,
        maxOutput,
        async onOutput(text, stream) {
          if (stream === "stdout" && property !== undefined) output = (output + text).slice(0, longestProperty);
          await log.write(text, stream);
        },
      });
      ctx.signal.throwIfAborted();
      if (killed !== undefined) return { results: Results.FAILURE, summary, reason: killed, rc };
      if (rc !== 0) return { results: Results.FAILURE, summary, reason: `code ${rc}`, rc };
      if (property !== undefined) ctx.properties.set(property, output.trim());
      return { results: Results.SUCCESS, summary, rc };
    });
  },
});
