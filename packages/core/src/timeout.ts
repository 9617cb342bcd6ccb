/** The longest delay of a Node timer; a longer one would fire immediately. */
const longestTimer = 2 ** 31 - 1;

/** Like `setTimeout`, but for any delay: `Infinity` never fires. Returns a function that cancels it. */
export function startTimeout(fn: () => void, ms: number, options: { unref?: boolean } = {}): () => void {
  let timer: NodeJS.Timeout | undefined;
  const wait = (left: number): void => {
    const now = Math.min(left, longestTimer);
    timer = setTimeout(() => (left > now ? wait(left - now) : fn()), now);
    if (options.unref === true) timer.unref();
  };
  wait(ms);
  return () => clearTimeout(timer);
}
