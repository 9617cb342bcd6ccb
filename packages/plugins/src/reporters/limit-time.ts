/** Time is counted in slices, so that one in which the event loop stood still counts little. */
const longestSliceMs = 250;
/** A timer of a busy process is late by this much. */
const usualDelayMs = 100;

/**
 * Calls `late` after this time, as the event loop has it: while a function keeps the loop for itself, no answer can be read, so a slice
 * that took longer counts no more than others, and the last one must be whole. Returns how to end the wait. The timer keeps the
 * process alive: a program whose only work hangs would end without a word.
 */
export function limitTime(ms: number, late: () => void): () => void {
  const slice = Math.min(longestSliceMs, Math.max(1, ms / 8));
  let left = ms;
  let timer: NodeJS.Timeout;
  const wait = () => {
    const began = performance.now();
    timer = setTimeout(() => {
      left -= slice;
      const stoodStill = performance.now() - began > slice + usualDelayMs;
      if (left > 0 || stoodStill) wait();
      else late();
    }, slice);
  };
  wait();
  return () => clearTimeout(timer);
}
