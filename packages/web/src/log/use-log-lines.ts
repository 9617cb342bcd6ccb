import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { LogPages } from "./log-pages.ts";
import { readLines } from "./read-log.ts";

/** The lines of a log around those that are shown; undefined for a line that is still being read. */
export function useLogLines(logid: number, count: number, lines: readonly number[]) {
  const pages = useMemo(() => new LogPages(), [logid]);
  const requested = useRef(new Set<string>());
  const [checks, setChecks] = useState(0);
  const runs = runsOf(lines);

  useEffect(() => {
    const checkAgain = () => setChecks((n) => n + 1);
    // Scrolling fast through a long log must not request every page on the way.
    const timer = setTimeout(() => {
      for (const { offset, limit } of runs.flatMap(({ from, to }) => pages.missing(from, to, count))) {
        const key = `${logid}:${offset}`;
        if (requested.current.has(key)) continue;
        requested.current.add(key);
        const requestAgain = () => {
          requested.current.delete(key);
          checkAgain();
        };
        readLines(logid, offset, limit)
          .then((lines) => {
            pages.add(offset, lines);
            // The log may have grown meanwhile, or the answer was shorter than the log: missing lines are determined
            // again after each answer, but lines that did not come are requested again only after a pause.
            if (lines.length >= limit) return requestAgain();
            checkAgain();
            setTimeout(requestAgain, 1_000);
          })
          .catch(() => setTimeout(requestAgain, 2_000));
      }
    }, 30);
    return () => clearTimeout(timer);
  }, [pages, logid, count, runs.map(({ from, to }) => `${from}-${to}`).join(), checks]);

  return (line: number) => pages.get(line);
}

/** Lines in a row, as runs from one to before another: what is folded between them is not read. */
function runsOf(lines: readonly number[]): { from: number; to: number }[] {
  const runs: { from: number; to: number }[] = [];
  for (const line of lines) {
    const last = runs.at(-1);
    if (last?.to === line) last.to = line + 1;
    else runs.push({ from: line, to: line + 1 });
  }
  return runs;
}
