import type { Log } from "@multimaster/data";
import type { RefObject } from "preact";
import { useEffect, useState } from "preact/hooks";
import { findOpening } from "./search-log.ts";

/** Pause before a log that could not be read is read again. */
const againMs = 2_000;

/**
 * Opens a complete log at the line that a reader probably wants to see first, unless the address names one or the reader has
 * scrolled. Returns that line if it looks like the reason of a failure.
 */
export function useOpeningLine(
  log: Log,
  ref: RefObject<HTMLElement | null>,
  { isLinked, seeksTrouble, goTo }: { isLinked: boolean; seeksTrouble: boolean; goTo: (line: number) => void },
): number | undefined {
  const [opening, setOpening] = useState<number>();
  const [attempt, setAttempt] = useState(0);
  useEffect(() => {
    if (!log.complete || isLinked) return;
    const controller = new AbortController();
    let again: ReturnType<typeof setTimeout> | undefined;
    findOpening(log, seeksTrouble, controller.signal)
      .then((line) => {
        if (line === undefined || controller.signal.aborted || ref.current?.scrollTop !== 0) return;
        goTo(line);
        if (seeksTrouble) setOpening(line);
      })
      .catch(() => {
        // The master may be busy, or being replaced.
        if (!controller.signal.aborted) again = setTimeout(() => setAttempt((n) => n + 1), againMs);
      });
    return () => {
      clearTimeout(again);
      controller.abort();
    };
  }, [log.logid, log.complete, seeksTrouble, attempt]);
  return opening;
}
