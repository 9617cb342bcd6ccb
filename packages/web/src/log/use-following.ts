import type { RefObject } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { LogScroll } from "./use-log-scroll.ts";

type SetFollows = (follows: boolean | ((on: boolean) => boolean)) => void;

/** Keeps the end of a log in sight while the log grows, until the reader scrolls away from it; back at the end, again. */
export function useFollowing(
  ref: RefObject<HTMLElement | null>,
  view: {
    readonly lines: number;
    readonly scrollPx: number;
    readonly viewPx: number;
    readonly heightPx: number;
    readonly grows: boolean;
    /** Scrolling up by less than this is not the reader's doing. */
    readonly tolerancePx: number;
  },
  scroll: LogScroll,
  isWanted: boolean,
): [follows: boolean, setFollows: SetFollows] {
  const [follows, setFollows] = useState(view.grows && isWanted);
  const endPx = useRef(0);
  const lastPx = useRef(0);
  scroll.follows.current = follows;
  useLayoutEffect(() => {
    const element = ref.current;
    if (!follows || !element) return;
    element.scrollTop = element.scrollHeight;
    endPx.current = element.scrollTop;
  }, [follows, view.lines, view.viewPx, view.heightPx]);
  useEffect(() => {
    const element = ref.current;
    if (!element) return;
    const at = element.scrollTop;
    const isDown = at > lastPx.current;
    lastPx.current = at;
    if (follows && at < endPx.current - view.tolerancePx) setFollows(false);
    const isAtEnd = at + element.clientHeight >= element.scrollHeight - 1;
    if (!follows && view.grows && isDown && isAtEnd && !scroll.isOwn()) setFollows(true);
  }, [view.scrollPx]);
  return [follows, setFollows];
}
