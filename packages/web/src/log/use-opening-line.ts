import type { Log } from "@multimaster/data";
import type { RefObject } from "preact";
import { useEffect, useState } from "preact/hooks";
import { findOpening } from "./search-log.ts";

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
  useEffect(() => {
    if (!log.complete || isLinked) return;
    const controller = new AbortController();
    findOpening(log, seeksTrouble, controller.signal)
      .then((line) => {
        if (line === undefined || controller.signal.aborted || ref.current?.scrollTop !== 0) return;
        goTo(line);
        if (seeksTrouble) setOpening(line);
      })
      .catch(() => undefined);
    return () => controller.abort();
  }, [log.logid]);
  return opening;
}
