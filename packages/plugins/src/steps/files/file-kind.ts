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

/** What a path of the worker is. Undefined: nothing is there. */
export async function findKind(
  ctx: StepContext,
  path: string,
): Promise<{ readonly kind: string; readonly isEmpty: boolean } | undefined> {
  const { stat } = await ctx.command("stat", { path }, { log: null });
  return stat === undefined ? undefined : { kind: kindOf(stat), isEmpty: stat[6] === 0 };
}
