import type { Log } from "@multimaster/data";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { navigate, usePlace, withQuery } from "../router.ts";
import { type LogSearch, searchLog, unsearched } from "./search-log.ts";
import { createPattern, type SearchPattern } from "./search-pattern.ts";

export interface LogSearching {
  readonly text: string;
  setText(text: string): void;
  /** What is searched; undefined while nothing is, or while it is refused. */
  readonly pattern: SearchPattern | undefined;
  /** Undefined while nothing is searched. */
  readonly result: LogSearch | undefined;
  /** Why it is not searched. */
  readonly refusal: string | undefined;
  /** The number of the line that the reader sees among those found, from 0. */
  readonly current: number | undefined;
  /** Its position among those found, from 1. */
  readonly position: number;
  /** Whether the search is still the one of the address that was opened. */
  readonly isOfAddress: boolean;
  next(): void;
  previous(): void;
}

/** Pause after the last letter; and before a log that grows is searched further. */
const typingMs = 200;
const growMs = 1_000;

/** Searches a log for what the reader typed, which the address keeps (`?q=`); a log that grows is searched on. */
export function useLogSearch(log: Log): LogSearching {
  const place = usePlace();
  const [text, setText] = useState(() => place.query.get("q") ?? "");
  const [result, setResult] = useState<LogSearch>();
  const [index, setIndex] = useState(0);
  const [isOfAddress, setOfAddress] = useState(true);
  const created = useMemo(() => (text === "" ? undefined : createPattern(text)), [text]);
  const [pattern, refusal] = typeof created === "string" ? [undefined, created] : [created, undefined];
  const current = useRef(log);
  current.current = log;

  useEffect(() => {
    setResult(undefined);
    setIndex(0);
    const controller = new AbortController();
    const timer = setTimeout(async () => {
      if ((place.query.get("q") ?? "") !== text)
        navigate(withQuery(place, { q: text }) + location.hash, { replace: true });
      if (pattern) await searchOn(current, pattern, setResult, controller.signal);
    }, typingMs);
    return () => {
      clearTimeout(timer);
      controller.abort();
    };
  }, [text, log.logid]);

  const count = result?.found.length ?? 0;
  const step = (by: number) => {
    setOfAddress(false);
    if (count > 0) setIndex((i) => (i + by + count) % count);
  };
  return {
    text,
    setText(typed) {
      setOfAddress(false);
      setText(typed);
    },
    pattern,
    result,
    refusal,
    current: result?.found[index],
    position: count === 0 ? 0 : index + 1,
    isOfAddress,
    next: () => step(1),
    previous: () => step(-1),
  };
}

/** Searches until the end of a log that is complete, or until the signal. */
async function searchOn(
  log: { readonly current: Log },
  pattern: SearchPattern,
  report: (search: LogSearch) => void,
  signal: AbortSignal,
): Promise<void> {
  let search = unsearched;
  while (!signal.aborted) {
    const { complete, num_lines: lines } = log.current;
    if (search.searched < lines || search === unsearched)
      // The master may be busy, or being replaced: the search goes on where it was.
      search = await searchLog(log.current, pattern, report, signal, search).catch(() => search);
    if (complete && search.isDone) return;
    await new Promise((done) => setTimeout(done, growMs));
  }
}
