import { stripAnsi } from "./ansi.ts";
import { ProgressReader } from "./progress-runs.ts";

/** A part of a log under a heading, by the numbers of its lines from 0. */
export interface Section {
  /** The line of the heading, which stays when the section is folded. */
  readonly head: number;
  readonly title: string;
  /** Its last line; undefined while its end was not printed. */
  readonly end: number | undefined;
  /** Whether the log wants it folded at first. */
  readonly beginsFolded: boolean;
  /** How long it took in seconds, if its marks say. */
  readonly seconds?: number;
}

type Mark =
  | {
      readonly kind: "start";
      readonly name: string;
      readonly title: string;
      readonly at?: number;
      readonly folded: boolean;
    }
  | { readonly kind: "end"; readonly name: string | undefined; readonly at?: number };

const github = /^(?:::|##\[)(group|endgroup)(?:::|\])(.*)$/;
const gitlab = /section_(start|end):(\d{1,12}):([\w.-]+)(\[[^\]]*\])?/;

/**
 * The mark of a line: `::group::title` and `::endgroup::` of GitHub, the same as `##[group]title` and `##[endgroup]`, and
 * `section_start:time:name[collapsed=true]` and `section_end:time:name` of GitLab.
 */
export function readMark(line: string): Mark | undefined {
  if (line.length > 2_000 || !(line.includes("group") || line.includes("section_"))) return undefined;
  const ours = github.exec(stripAnsi(line).trimStart());
  if (ours)
    return ours[1] === "group"
      ? { kind: "start", name: "", title: ours[2]?.trim() || "Group", folded: false }
      : { kind: "end", name: undefined };
  const theirs = gitlab.exec(line);
  if (!theirs || stripAnsi(line.slice(0, theirs.index)) !== "") return undefined;
  const at = Number(theirs[2]);
  const name = theirs[3] ?? "";
  if (theirs[1] === "end") return { kind: "end", name, at };
  const after = stripAnsi(line.slice(theirs.index + theirs[0].length).replace(/^\r/, "")).trim();
  return { kind: "start", name, title: after, at, folded: /collapsed=true/.test(theirs[4] ?? "") };
}

interface Open {
  readonly head: number;
  readonly mark: Extract<Mark, { kind: "start" }>;
  title: string;
}

/** Collects the sections of a log whose lines are added in order; a progress bar of many lines is one, too. */
export class SectionReader {
  readonly #open: Open[] = [];
  readonly #closed: Section[] = [];
  readonly #progress = new ProgressReader();
  /** Lines that only mark an end, or repeat the title of a heading. */
  readonly hidden: number[] = [];
  #lines = 0;

  /** How many lines were read. */
  get lines(): number {
    return this.#lines;
  }

  add(line: string): void {
    const number = this.#lines++;
    const last = this.#open.at(-1);
    const mark = readMark(line);
    this.#progress.add(line, number);
    // A mark whose title was printed behind a carriage return has it on the next line.
    if (last !== undefined && last.title === "" && mark === undefined && last.head === number - 1) {
      last.title = stripAnsi(line).trim();
      if (last.title !== "") this.hidden.push(number);
    }
    if (mark?.kind === "start") this.#open.push({ head: number, mark, title: mark.title });
    else if (mark?.kind === "end") this.#close(mark, number);
  }

  /** All sections so far, in the order of their headings. */
  sections(): Section[] {
    const open = this.#open.map((each) => sectionOf(each, undefined));
    const bars = this.#progress
      .runs()
      .map(({ first, last, text }): Section => ({ head: first, title: text, end: last, beginsFolded: true }));
    return [...this.#closed, ...open, ...bars].sort((a, b) => a.head - b.head);
  }

  #close(mark: Extract<Mark, { kind: "end" }>, end: number): void {
    const at = this.#open.findLastIndex((open) => mark.name === undefined || open.mark.name === mark.name);
    // An end without a beginning says nothing; sections within the one that ends have ended with it.
    if (at === -1) return;
    this.hidden.push(end);
    for (const open of this.#open.splice(at)) this.#closed.push(sectionOf(open, end, mark.at));
  }
}

function sectionOf({ head, mark, title }: Open, end: number | undefined, at?: number): Section {
  const seconds = at !== undefined && mark.at !== undefined ? at - mark.at : undefined;
  return {
    head,
    title: title || mark.name,
    end,
    beginsFolded: mark.folded,
    ...(seconds !== undefined && seconds >= 0 ? { seconds } : {}),
  };
}
