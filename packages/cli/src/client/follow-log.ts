import type { Log } from "@multimaster/data";
import type { Api } from "./api.ts";
import type { Pace } from "./pace.ts";

export interface LogLine {
  /** Counted from 0. */
  readonly number: number;
  /** For a command's log: the command's output, its errors, or the master's own lines about it. */
  readonly stream: "stdout" | "stderr" | "header" | null;
  readonly text: string;
}

/** Lines per request: few enough to hold in memory, whatever they contain. */
const linesAtOnce = 2_000;
const streams = { o: "stdout", e: "stderr", h: "header" } as const;

/**
 * Yields the lines of a log from line `from`, in batches; of a log still being written also later lines, until `isOver`
 * returns true. Each batch is requested by its first line number after the previous one was consumed: whichever master
 * answers, no line is missing or repeated, and a slow reader delays only itself.
 */
export async function* readLog(
  api: Api,
  { logid, type }: Pick<Log, "logid" | "type">,
  { from, pace, isOver }: { from: number; pace?: Pace; isOver?(): Promise<boolean> },
): AsyncGenerator<readonly LogLine[]> {
  let next = from;
  for (;;) {
    // Checked before reading: once the log has ended, no further lines are added.
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
