import type { RefObject } from "preact";
import { type Dispatch, type StateUpdater, useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";

/** Keeps the end of a log in sight while the log grows, until the reader scrolls away from it. */
export function useFollowing(
  ref: RefObject<HTMLElement | null>,
  view: {
    readonly lines: number;
    readonly scrollPx: number;
    readonly viewPx: number;
    readonly wraps: boolean;
    /** Scrolling up by less than this is not the reader's doing. */
    readonly tolerancePx: number;
  },
  begins: boolean,
): [follows: boolean, setFollows: Dispatch<StateUpdater<boolean>>] {
  const [follows, setFollows] = useState(begins);
  const ownScroll = useRef(0);
  useLayoutEffect(() => {
    const element = ref.current;
    if (!follows || !element) return;
    element.scrollTop = element.scrollHeight;
    ownScroll.current = element.scrollTop;
  }, [follows, view.lines, view.viewPx, view.wraps]);
  useEffect(() => {
    const at = ref.current?.scrollTop ?? 0;
    if (follows && at < ownScroll.current - view.tolerancePx) setFollows(false);
  }, [view.scrollPx]);
  return [follows, setFollows];
}
