import { stripAnsi } from "./ansi.ts";

/** Consecutive lines that a program printed over each other, until something made lines of its carriage returns. */
export interface ProgressRun {
  readonly first: number;
  last: number;
  /** The last line: what a terminal would still show. */
  text: string;
}

/** Shorter runs are no nuisance. */
const fewestLines = 4;
const longestLine = 400;

/** Numbers with their units, and what bars are drawn with. */
const changing = /\d+(?:[.,:]\d+)*\s?(?:ms|[hms]\b|[kKMGT]?i?B(?:\/s)?\b)?|[\s#=>*.\-|/\\█▉▊▋▌▍▎▏░▒▓━╸─]/g;

interface State {
  readonly percent: number;
  /** What stays the same from line to line: the words around the percentage. */
  readonly key: string;
}

function readState(line: string): State | undefined {
  if (line.length > longestLine || !line.includes("%")) return undefined;
  const text = stripAnsi(line);
  const found = /(\d{1,3})(?:\.\d+)?\s?%/.exec(text);
  if (!found) return undefined;
  const before = text.slice(0, found.index).replace(/[\s#=>*.\-|/\\█▉▊▋▌▍▎▏░▒▓━╸─]/g, "");
  const after = text.slice(found.index + found[0].length).replace(changing, "");
  return { percent: Number(found[1]), key: `${before}%${after}` };
}

/** Finds progress bars among lines that are added in order: the same words with a percentage that never falls. */
export class ProgressReader {
  readonly #runs: ProgressRun[] = [];
  #state: State | undefined;

  add(line: string, number: number): void {
    const state = readState(line);
    const last = this.#runs.at(-1);
    const goesOn =
      state !== undefined &&
      this.#state !== undefined &&
      state.key === this.#state.key &&
      state.percent >= this.#state.percent;
    this.#state = state;
    if (goesOn && last !== undefined) {
      last.last = number;
      last.text = stripAnsi(line).trim();
    } else if (state !== undefined) {
      if (last !== undefined && isShort(last)) this.#runs.pop();
      this.#runs.push({ first: number, last: number, text: "" });
    }
  }

  runs(): ProgressRun[] {
    return this.#runs.filter((run) => !isShort(run));
  }
}

const isShort = ({ first, last }: ProgressRun) => last - first + 1 < fewestLines;
