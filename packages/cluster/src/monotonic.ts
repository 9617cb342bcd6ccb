/** Milliseconds of a clock that only goes forward, and is the same in all threads of a process. */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint() / 1000n) / 1000;
}
