import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { LogPages } from "./log-pages.ts";
import { readLines } from "./read-log.ts";

/** The lines of a log around those that are shown; undefined for one that is on its way. */
export function useLogLines(logid: number, count: number, from: number, to: number) {
  const pages = useMemo(() => new LogPages(), [logid]);
  const [, redraw] = useState(0);
  const asked = useRef(new Set<string>());
  const [retries, setRetries] = useState(0);

  useEffect(() => {
    // Scrolling fast through a long log must not ask for every page on the way.
    const timer = setTimeout(() => {
      for (const { offset, limit } of pages.missing(from, to, count)) {
        const key = `${logid}:${offset}`;
        if (asked.current.has(key)) continue;
        asked.current.add(key);
        readLines(logid, offset, limit)
          .then((lines) => {
            pages.add(offset, lines);
            asked.current.delete(key);
            redraw((n) => n + 1);
            // It said that there are more: the rest comes with the next look.
            if (lines.length < limit) setTimeout(() => setRetries((n) => n + 1), 1_000);
          })
          .catch(() => {
            asked.current.delete(key);
            setTimeout(() => setRetries((n) => n + 1), 2_000);
          });
      }
    }, 30);
    return () => clearTimeout(timer);
  }, [pages, logid, count, from, to, retries]);

  return (line: number) => pages.get(line);
}
