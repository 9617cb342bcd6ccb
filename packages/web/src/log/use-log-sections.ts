import type { Log } from "@multimaster/data";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { readLines, splitStream } from "./read-log.ts";
import { type Section, SectionReader } from "./sections.ts";
import { ShownRows } from "./shown-rows.ts";

/** Sections are looked for in so many lines: the text of longer logs is not read for headings that no reader reaches. */
const mostLines = 50_000;
const pieceLines = 10_000;
/** Pause before the first read, so that the lines that are shown come first; and between reads of a log that grows. */
const pauseMs = 400;
const growMs = 3_000;

/** The sections of a log, which of them are folded, and the rows that follow from this. */
export interface LogSections {
  readonly rows: ShownRows;
  readonly byHead: ReadonlyMap<number, Section>;
  readonly isAllFolded: boolean;
  isFolded(section: Section): boolean;
  toggle(section: Section): void;
  toggleAll(): void;
  /** Opens the sections that hide a line. */
  reveal(line: number): void;
}

const contains = ({ head, end }: Section, line: number) => line > head && (end === undefined || line <= end);

/** @param kept The line that the reader came for: no section hides it at first. */
export function useLogSections(log: Log, kept: number | undefined): LogSections {
  const { sections, hidden } = useSections(log);
  /** What the reader has folded or opened, by the line of the heading. */
  const [chosen, setChosen] = useState<ReadonlyMap<number, boolean>>(new Map());
  const isFolded = (section: Section) =>
    chosen.get(section.head) ?? (section.beginsFolded && (kept === undefined || !contains(section, kept)));
  const folded = sections.filter(isFolded);
  const key = folded.map(({ head, end }) => `${head}-${end}`).join();
  const rows = useMemo(() => new ShownRows(log.num_lines, folded, hidden), [log.num_lines, key, hidden]);
  const byHead = useMemo(() => new Map(sections.map((section) => [section.head, section])), [sections]);
  const isAllFolded = sections.length > 0 && folded.length === sections.length;
  return {
    rows,
    byHead,
    isAllFolded,
    isFolded,
    toggle: (section) => setChosen((old) => new Map(old).set(section.head, !isFolded(section))),
    toggleAll: () => setChosen(new Map(sections.map(({ head }) => [head, !isAllFolded]))),
    reveal(line) {
      const hiding = folded.filter((section) => contains(section, line));
      if (hiding.length > 0) setChosen((old) => new Map([...old, ...hiding.map(({ head }) => [head, false] as const)]));
    },
  };
}

const none = { sections: [], hidden: [] } as const;

/** The sections found so far. */
function useSections(log: Log): { readonly sections: readonly Section[]; readonly hidden: readonly number[] } {
  const [found, setFound] = useState<ReturnType<typeof useSections>>(none);
  const current = useRef(log);
  current.current = log;
  useEffect(() => {
    setFound(none);
    const reader = new SectionReader();
    let isEnded = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const read = async () => {
      const { logid, type, num_lines: lines, complete } = current.current;
      const limit = Math.min(pieceLines, Math.min(lines, mostLines) - reader.lines);
      const texts = limit > 0 ? await readLines(logid, reader.lines, limit).catch(() => []) : [];
      if (isEnded) return;
      for (const stored of texts) {
        const { stream, text } = splitStream(stored, type);
        // The command itself is printed, too: the marks that it will print are none yet.
        reader.add(stream === "h" ? "" : text);
      }
      const sections = reader.sections();
      if (texts.length > 0 && sections.length > 0) setFound({ sections, hidden: [...reader.hidden] });
      const isBehind = texts.length > 0 && reader.lines < Math.min(lines, mostLines);
      if (reader.lines >= mostLines || (complete && reader.lines >= lines)) return;
      timer = setTimeout(read, isBehind ? 0 : growMs);
    };
    timer = setTimeout(read, pauseMs);
    return () => {
      isEnded = true;
      clearTimeout(timer);
    };
  }, [log.logid]);
  return found;
}
