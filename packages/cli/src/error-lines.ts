import { stripVTControlCharacters } from "node:util";
import { Results } from "@multimaster/core";
import type { Step } from "@multimaster/data";
import { looksLikeTrouble } from "@multimaster/data/client";
import type { Api } from "./client/api.ts";
import { readLog } from "./client/follow-log.ts";

/** A reason of a failure stands near the end of a log: no more of it is read. */
const mostRead = 5_000;
const mostShown = 8;

/** A step that was a reason of its build's failure. */
export function hasFailed({ results }: Pick<Step, "results">): boolean {
  return results === Results.FAILURE || results === Results.EXCEPTION;
}

/** The lines of a failed step's logs that look like its reason, or the last ones: a few. */
export async function readErrorLines(api: Api, { stepid }: Pick<Step, "stepid">): Promise<readonly string[]> {
  const { items } = await api.list("logs", `steps/${stepid}/logs`);
  const log = items.find(({ slug }) => slug.startsWith("err")) ?? items.find(({ type }) => type !== "h");
  if (log === undefined) return [];
  const lines: string[] = [];
  for await (const batch of readLog(api, log, { from: Math.max(0, log.num_lines - mostRead) }))
    for (const { stream, text } of batch) if (stream !== "header" && text.trim() !== "") lines.push(text);
  const at = lines.findIndex((line) => looksLikeTrouble(stripVTControlCharacters(line)));
  return at === -1 ? lines.slice(-mostShown) : lines.slice(at, at + mostShown);
}
