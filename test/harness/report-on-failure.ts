/** What is printed when a test fails: the only trace of a fault that comes once in a hundred runs on another machine. */
const tales: (() => string)[] = [];

/** Adds what `tell` returns to the output of every test of this file that fails from now on. */
export function reportOnFailure(tell: () => string): void {
  tales.push(tell);
}

// Outside vitest (benchmarks, demonstrations) the user sees the output of the processes.
if (process.env.VITEST && process.env.VITEST_POOL_ID) {
  const { afterEach } = await import("vitest");
  afterEach(({ task }) => {
    if (task.result?.state !== "fail") return;
    for (const tell of tales) console.error(`--- after "${task.name}" had failed: ${tell()}`);
  });
}
