import { randomUUID } from "node:crypto";
import type { ProbeResult } from "@multimaster/config";
import { duration } from "@multimaster/core";
import type { AttachedWorker } from "../workers/attached-worker.ts";

const defaultMs = 10_000;
const longestMs = 25_000;
const mostOutput = 64 * 1024;

/**
 * Runs a command on a worker, in its base directory and outside of any build. It has no row: the worker itself ends it after its
 * time limit, whatever becomes of this engine.
 */
export async function probeWorker(
  worker: AttachedWorker,
  command: string | readonly string[],
  options: { readonly timeout?: unknown } = {},
): Promise<ProbeResult> {
  const ms = options.timeout === undefined ? defaultMs : duration.parse(options.timeout);
  const seconds = Math.min(ms, longestMs) / 1000;
  let output = "";
  const outcome = await worker.link.startCommand({
    id: randomUUID(),
    name: "shell",
    args: {
      command: typeof command === "string" ? command : [...command],
      workdir: worker.info.basedir,
      maxTime: seconds,
      timeout: seconds,
    },
    onUpdate(update) {
      if (update.kind === "stream" && update.name !== "header")
        output += update.text.slice(0, mostOutput - output.length);
    },
  });
  switch (outcome.kind) {
    case "completed":
      return { code: outcome.failureReason === undefined && outcome.rc >= 0 ? outcome.rc : null, output };
    case "exception":
      throw new Error(`the worker cannot run the command: ${outcome.message}`);
    case "lost":
      throw new Error(worker.loss);
  }
}
