import { once } from "node:events";
import { styleText } from "node:util";

type Style = "bold" | "dim" | "red" | "green" | "yellow" | "cyan";

/** The output of a command: a terminal or a pipe. */
export interface Terminal {
  readonly isTty: boolean;
  /** The width of the terminal; undefined in a pipe. */
  readonly columns: number | undefined;
  /** Resolves when more may be written, so that data is fetched only as fast as it is read. */
  write(text: string): Promise<void>;
  /** A line at the bottom, updated each second until the next text replaces it; nothing in a pipe. */
  status(text: () => string): void;
  style(style: Style, text: string): string;
  /** A name or sentence from outside: on one line, also in a pipe; of its control sequences, a terminal gets only colours. */
  foreign(text: string): string;
  /** A line of a log: a pipe gets it as it is; of its control sequences, a terminal gets only colours. */
  logLine(text: string): string;
}

export function openTerminal(stream: NodeJS.WriteStream = process.stdout): Terminal {
  const isTty = stream.isTTY === true;
  const isColoured = isTty && !process.env["NO_COLOR"] && process.env["TERM"] !== "dumb";
  let status: NodeJS.Timeout | undefined;
  const clear = () => {
    if (!status) return "";
    clearInterval(status);
    status = undefined;
    return `\r${esc}[K`;
  };
  return {
    isTty,
    columns: isTty ? stream.columns || 80 : undefined,
    async write(text) {
      if (!stream.write(clear() + text)) await once(stream, "drain");
    },
    status(text) {
      if (!isTty) return;
      const show = (before: string) => {
        const line = text().slice(0, Math.max(0, (stream.columns || 80) - 1));
        stream.write(`${before}${isColoured ? styleText("dim", line) : line}`);
      };
      show(clear());
      status = setInterval(() => show(`\r${esc}[K`), 1_000).unref();
    },
    style: (style, text) => (isColoured ? styleText(style, text) : text),
    foreign: (text) => keepColours(oneLine(text), isColoured),
    logLine: (text) => (isTty ? keepColours(text, isColoured) : text),
  };
}

const esc = "\u001b";
const bell = "\u0007";
/** Escape sequences (CSI, then OSC and other strings, then short ones), control characters except the tab, and what reorders text. */
const controls = new RegExp(
  [
    `${esc}\\[[0-?]*[ -/]*[@-~]`,
    `${esc}[\\]PX^_][^${bell}${esc}]*(?:${bell}|${esc}\\\\)?`,
    `${esc}.?`,
    "[^\\P{Cc}\\t]",
    "[\\u200e\\u200f\\u061c\\u202a-\\u202e\\u2066-\\u2069]",
  ].join("|"),
  "gu",
);
const colour = new RegExp(`^${esc}\\[[\\d;:]*m$`);

function keepColours(text: string, isColoured: boolean): string {
  let hasColour = false;
  const clean = text.replace(controls, (sequence) => {
    if (!isColoured || !colour.test(sequence)) return "";
    hasColour = true;
    return sequence;
  });
  return hasColour ? `${clean}${esc}[0m` : clean;
}

/** Line breaks and tabs become spaces: what others wrote imitates no other line or column. */
const oneLine = (text: string) => text.replace(/[\t\v\f\u0085\u2028\u2029]|\r?\n|\r/g, " ");

/** Cells in which others' names may stand, on one line. Of a terminal, the colours are ours; a pipe has none. */
export function cleanCell(text: string, isTty: boolean): string {
  return oneLine(text).replace(controls, (sequence) => (isTty && colour.test(sequence) ? sequence : ""));
}

/** A name or sentence from outside where no terminal is at hand: on one line, without control sequences. */
export const cleanLine = (text: string) => cleanCell(text, false);

/** A message of several lines in which names from outside may stand: without control sequences. */
export const cleanLines = (text: string) => text.split("\n").map(cleanLine).join("\n");

/** Formats an answer for programs. */
export function formatJson(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
