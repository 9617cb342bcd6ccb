import { stripVTControlCharacters } from "node:util";
import { append } from "@multimaster/core";
import Table from "cli-table3";
import { cleanCell, openTerminal, type Terminal } from "./terminal.ts";

const gap = 2;
/** A column is made no narrower than this, even if the table is then wider than the terminal. */
const narrowest = 8;

/**
 * A table, or the sentence that there is nothing. A terminal gets headings and columns that fit its width: the widest are
 * cut. A pipe gets lines of fields separated by tabs, whole and without headings.
 */
export function formatTable(
  head: readonly string[],
  rows: readonly (readonly (string | number)[])[],
  none = "Nothing.",
  terminal: Pick<Terminal, "columns" | "style"> = openTerminal(),
): string {
  if (rows.length === 0) return `${none}\n`;
  const cells = rows.map((row) => row.map((cell) => cleanCell(String(cell), terminal.columns !== undefined)));
  const { columns } = terminal;
  if (columns === undefined) return cells.map((row) => `${row.join("\t")}\n`).join("");
  const widths = head.map((title, i) =>
    cells.reduce((most, row) => Math.max(most, widthOf(row[i] ?? "")), title.length),
  );
  fitWidths(widths, columns - gap * (head.length - 1));
  const table = new Table({
    head: head.map((title) => terminal.style("dim", title.toUpperCase())),
    colWidths: widths.map((width) => width + gap),
    chars: noRules,
    style: { head: [], border: [], "padding-left": 0, "padding-right": gap },
  });
  append(table, cells);
  const lines = table.toString().split("\n");
  return lines.map((line) => `${line.trimEnd()}\n`).join("");
}

const noRules = {
  ...{ top: "", "top-mid": "", "top-left": "", "top-right": "", bottom: "", "bottom-mid": "", "bottom-left": "" },
  ...{ "bottom-right": "", left: "", "left-mid": "", mid: "", "mid-mid": "", right: "", "right-mid": "", middle: "" },
};

function widthOf(cell: string): number {
  return stripVTControlCharacters(cell).length;
}

/** Takes from the widest columns until all of them have room. */
function fitWidths(widths: number[], room: number): void {
  for (let excess = widths.reduce((sum, width) => sum + width, 0) - room; excess > 0; ) {
    const widest = widths.reduce((most, width) => Math.max(most, width), 0);
    const next = widths.reduce((most, width) => (width < widest ? Math.max(most, width) : most), narrowest);
    const which = widths.flatMap((width, i) => (width === widest ? [i] : []));
    const cut = Math.min(widest - next, Math.ceil(excess / which.length));
    if (cut <= 0) return;
    for (const i of which) widths[i] = widest - cut;
    excess -= cut * which.length;
  }
}
