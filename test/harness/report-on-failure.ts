/** What is printed when a test fails: the only trace of a fault that comes once in a hundred runs on another machine. */
const tales: (() => string)[] = [];

/** Adds what `tell` returns to the output of every test of this file that fails from now on. */
export function reportOnFailure(tell: () => string): void {
  tales.push(tell);
}

/** Prints all of them. Outside vitest (benchmarks, demonstrations) the output of the processes is visible anyway. */
export function tellAll(test: string): void {
  for (const tell of tales) console.error(`--- after "${test}" had failed: ${tell()}`);
}

/** The next file of this process has tales of its own. */
export function forgetTales(): void {
  tales.length = 0;
}
