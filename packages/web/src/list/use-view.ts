import type { RefObject } from "preact";
import { useLayoutEffect, useRef, useState } from "preact/hooks";

/** The element that scrolls, its position and its height. */
export function useView<E extends HTMLElement>(): {
  ref: RefObject<E | null>;
  scrollPx: number;
  viewPx: number;
} {
  const ref = useRef<E>(null);
  const [view, setView] = useState({ scrollPx: 0, viewPx: 600 });
  useLayoutEffect(() => {
    const element = ref.current;
    if (!element) return;
    let frame = 0;
    const update = () => {
      frame = 0;
      setView((old) =>
        old.scrollPx === element.scrollTop && old.viewPx === element.clientHeight
          ? old
          : { scrollPx: element.scrollTop, viewPx: element.clientHeight },
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
