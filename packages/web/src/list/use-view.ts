import type { RefObject } from "preact";
import { useLayoutEffect, useRef, useState } from "preact/hooks";

/** The element that scrolls, its position, its height and its width. */
export function useView<E extends HTMLElement>(): {
  ref: RefObject<E | null>;
  scrollPx: number;
  viewPx: number;
  widthPx: number;
} {
  const ref = useRef<E>(null);
  const [view, setView] = useState({ scrollPx: 0, viewPx: 600, widthPx: 0 });
  useLayoutEffect(() => {
    const element = ref.current;
    if (!element) return;
    let frame = 0;
    const update = () => {
      frame = 0;
      setView((old) =>
        old.scrollPx === element.scrollTop && old.viewPx === element.clientHeight && old.widthPx === element.clientWidth
          ? old
          : { scrollPx: element.scrollTop, viewPx: element.clientHeight, widthPx: element.clientWidth },
      );
    };
    const soon = () => {
      if (frame === 0) frame = requestAnimationFrame(update);
    };
    update();
    element.addEventListener("scroll", soon, { passive: true });
    const observer = new ResizeObserver(soon);
    observer.observe(element);
    return () => {
      cancelAnimationFrame(frame);
      element.removeEventListener("scroll", soon);
      observer.disconnect();
    };
  }, []);
  return { ref, ...view };
}
