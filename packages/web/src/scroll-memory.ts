/** How far the reader had scrolled on pages that are left, so that "back" leads to the same place. Kept in the history's entries. */
const longestWaitMs = 5_000;

/** The page, and the list that scrolls by itself in it, if there is one. */
const scrollers = () => [...document.querySelectorAll<HTMLElement>("main, main .scroll-list")];

/** Call before another address is pushed. */
export function rememberScroll(): void {
  const tops = scrollers().map(({ scrollTop }) => scrollTop);
  if (tops.some((top) => top > 0)) history.replaceState({ ...(history.state as object | null), tops }, "");
}

/**
 * Scrolls to where the reader was on the page that was gone back to, as soon as its rows are there; not once the reader
 * scrolls, and not for long.
 */
export function restoreScroll(): void {
  const { tops } = (history.state ?? {}) as { tops?: readonly number[] };
  if (!tops) return;
  const until = performance.now() + longestWaitMs;
  const given = new AbortController();
  for (const event of ["wheel", "keydown", "pointerdown", "placechange", "popstate"])
    addEventListener(event, () => given.abort(), { signal: given.signal });
  const tryAgain = () => {
    if (given.signal.aborted) return;
    const here = scrollers();
    for (const [i, top] of tops.entries()) here[i]?.scrollTo({ top });
    const isThere = tops.every((top, i) => Math.abs((here[i]?.scrollTop ?? 0) - top) < 2);
    if (isThere || performance.now() > until) given.abort();
    else requestAnimationFrame(tryAgain);
  };
  requestAnimationFrame(tryAgain);
}
