/** What is printed when a test fails: the only trace of a fault that comes once in a hundred runs on another machine. */
const tales: (() => string)[] = [];

/** Adds what `tell` gives to the output of every test of this file that fails from now on. */
export function tellOnFailure(tell: () => string): void {
  tales.push(tell);
}

// Outside vitest (benchmarks, demonstrations) whoever runs it sees the processes' own words.
if (process.env.VITEST && process.env.VITEST_POOL_ID) {
  const { afterEach } = await import("vitest");
  afterEach(({ task }) => {
    if (task.result?.state !== "fail") return;
    for (const tell of tales) console.error(`--- after "${task.name}" had failed: ${tell()}`);
  });
}
