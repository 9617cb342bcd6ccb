import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { LogPages } from "./log-pages.ts";
import { readLines } from "./read-log.ts";

/** The lines of a log around those that are shown; undefined for one that is on its way. */
export function useLogLines(logid: number, count: number, from: number, to: number) {
  const pages = useMemo(() => new LogPages(), [logid]);
  const asked = useRef(new Set<string>());
  const [looks, setLooks] = useState(0);

  useEffect(() => {
    const look = () => setLooks((n) => n + 1);
    // Scrolling fast through a long log must not ask for every page on the way.
    const timer = setTimeout(() => {
      for (const { offset, limit } of pages.missing(from, to, count)) {
        const key = `${logid}:${offset}`;
        if (asked.current.has(key)) continue;
        asked.current.add(key);
        const askAgain = () => {
          asked.current.delete(key);
          look();
        };
        readLines(logid, offset, limit)
          .then((lines) => {
            pages.add(offset, lines);
            // The log may have grown since it was asked for, or it said that there is more than it gave: after each
            // answer one looks again what is missing, though not at once for what did not come.
            if (lines.length >= limit) return askAgain();
            look();
            setTimeout(askAgain, 1_000);
          })
          .catch(() => setTimeout(askAgain, 2_000));
      }
    }, 30);
    return () => clearTimeout(timer);
  }, [pages, logid, count, from, to, looks]);

  return (line: number) => pages.get(line);
}
