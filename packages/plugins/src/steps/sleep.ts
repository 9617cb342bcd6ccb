import { duration, formatDuration, Results } from "@multimaster/core";
import { z } from "zod";
import { defineStep } from "../define-step.ts";

const options = z.object({ time: duration.describe("How long it waits.") });

/** Waits: `sleep({ time: "30s" })`. */
export default defineStep({
  type: "sleep",
  options,
  async run(ctx, { time }) {
    await ctx.sleep(time);
    return { results: Results.SUCCESS, summary: `waited ${formatDuration(time)}` };
  },
});
