import type { Log } from "@multimaster/data";
import type { Api } from "./api.ts";
import type { Pace } from "./pace.ts";

export interface LogLine {
  /** From 0. */
  readonly number: number;
  /** Of a command's log: its output, its errors, or what the master says about it. */
  readonly stream: "stdout" | "stderr" | "header" | null;
  readonly text: string;
}

/** Lines asked for at once: few enough to be held, whatever is in them. */
const linesAtOnce = 2_000;
const streams = { o: "stdout", e: "stderr", h: "header" } as const;

/**
 * The lines of a log from line `from`, in batches; of one that is still written also those to come, until
 * `isOver` says so.
 * Each batch is asked for by the number of its first line when the last one has been taken: whichever master answers, no
 * line is missing and none comes twice, and a slow reader holds nothing up but itself.
 */
export async function* readLog(
  api: Api,
  { logid, type }: Pick<Log, "logid" | "type">,
  { from, pace, isOver }: { from: number; pace?: Pace; isOver?(): Promise<boolean> },
): AsyncGenerator<readonly LogLine[]> {
  let next = from;
  for (;;) {
    // Asked first: what a log that is over has is all there will be.
    const over = !isOver || (await isOver());
    for (;;) {
      const chunk = await api.one("logchunks", `logs/${logid}/contents`, { offset: next, limit: linesAtOnce });
      const lines = splitLines(chunk.content, type, next);
      if (lines.length === 0) break;
      next += lines.length;
      pace?.quicken();
      yield lines;
    }
    if (over) return;
    await pace?.rest();
  }
}

function splitLines(content: string, type: string, first: number): LogLine[] {
  if (content === "") return [];
  const texts = content.split("\n");
  if (texts.at(-1) === "") texts.pop();
  return texts.map((text, i) => {
    const stream = type === "s" ? (streams[text[0] as keyof typeof streams] ?? null) : null;
    return { number: first + i, stream, text: stream === null ? text : text.slice(1) };
  });
}
