import type { StepContext } from "../../step-context.ts";

/** Of the mode in what `stat` answers: the bits of the file's kind, and what they say. */
const kindMask = 0o170000;
const kinds = new Map([
  [0o100000, "file"],
  [0o040000, "directory"],
  [0o010000, "pipe"],
  [0o140000, "socket"],
  [0o020000, "device"],
  [0o060000, "device"],
]);

/** What `stat` says a path is. Links are followed. */
export function kindOf(stat: readonly number[]): string {
  return kinds.get((stat[0] ?? 0) & kindMask) ?? "file";
}

/** Why a path of the worker is not read: a read of a pipe, a socket or a device may never end. Undefined: it may be read. */
export async function whyNotRead(ctx: StepContext, path: string): Promise<string | undefined> {
  const { stat } = await ctx.command("stat", { path }, { log: null });
  const kind = stat === undefined ? "file" : kindOf(stat);
  if (kind === "file" || kind === "directory") return undefined;
  return `${path} on worker ${ctx.worker.name} is a ${kind}: only files are read.`;
}
