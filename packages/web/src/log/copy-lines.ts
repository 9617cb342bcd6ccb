import { stripAnsi } from "./ansi.ts";
import type { LineRange } from "./line-link.ts";
import { readLines, splitStream } from "./read-log.ts";

/** More lines are downloaded instead: a clipboard is not for megabytes. */
const mostCopied = 20_000;

/** Copies lines without colours and stream marks. Returns how many. */
export async function copyLines(
  log: { readonly logid: number; readonly type: string; readonly num_lines: number },
  marked: LineRange | undefined,
): Promise<number> {
  const from = (marked?.from ?? 1) - 1;
  const count = Math.min((marked?.to ?? log.num_lines) - from, log.num_lines - from, mostCopied);
  const lines = await readLines(log.logid, from, count);
  await copyText(lines.map((line) => `${stripAnsi(splitStream(line, log.type).text)}\n`).join(""));
  return lines.length;
}

async function copyText(text: string): Promise<void> {
  if (isSecureContext) return navigator.clipboard.writeText(text);
  // Without TLS, browsers only copy what is selected.
  const area = document.createElement("textarea");
  area.value = text;
  document.body.append(area);
  area.select();
  document.execCommand("copy");
  area.remove();
}
