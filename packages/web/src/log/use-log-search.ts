import type { Log } from "@multimaster/data";
import { useEffect, useState } from "preact/hooks";
import { createMatcher, type LogSearch, searchLog } from "./search-log.ts";

export interface LogSearching {
  readonly text: string;
  setText(text: string): void;
  /** Undefined while nothing is searched. */
  readonly result: LogSearch | undefined;
  readonly isInvalid: boolean;
  /** The number of the line that the reader sees among those found, from 0. */
  readonly current: number | undefined;
  /** Its position among those found, from 1. */
  readonly position: number;
  next(): void;
  previous(): void;
}

/** Searches a log for what the reader typed. */
export function useLogSearch(log: Log): LogSearching {
  const [text, setText] = useState("");
  const [result, setResult] = useState<LogSearch>();
  const [index, setIndex] = useState(0);
  const matcher = text === "" ? undefined : createMatcher(text);
  const isInvalid = text !== "" && matcher === undefined;
  // A log that still grows is searched up to its present end; typing again searches further.
  const size = log.complete ? log.num_lines : 0;

  useEffect(() => {
    setResult(undefined);
    setIndex(0);
    if (!matcher) return;
    const controller = new AbortController();
    const timer = setTimeout(() => searchLog(log, matcher, setResult, controller.signal).catch(() => undefined), 200);
    return () => {
      clearTimeout(timer);
      controller.abort();
    };
  }, [text, log.logid, size]);

  const count = result?.found.length ?? 0;
  const step = (by: number) => count > 0 && setIndex((i) => (i + by + count) % count);
  return {
    text,
    setText,
    result,
    isInvalid,
    current: result?.found[index],
    position: count === 0 ? 0 : index + 1,
    next: () => step(1),
    previous: () => step(-1),
  };
}
