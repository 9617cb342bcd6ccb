/** The longest delay of one timer of Node; a longer one would fire at once. */
const longestTimer = 2 ** 31 - 1;

/** Like `setTimeout`, for any length of time: `Infinity` never fires. Returns what cancels it. */
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
