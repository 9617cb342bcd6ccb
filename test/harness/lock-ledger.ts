import { readFileSync } from "node:fs";

/** One line: a command is running, and its build has so much of a lock. */
interface LockLine {
  readonly lock: string;
  readonly count: number;
  readonly max: number;
  /** "work of alone 12". */
  readonly holder: string;
}

/** What commands wrote while they had locks, in the order in which they wrote it. */
export function readLockLedger(path: string): LockLine[] {
  return readFileSync(path, "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => {
      const { groups } = /^have (?<lock>\S+):(?<count>\d+)\/(?<max>\d+) (?<holder>.+)$/.exec(line) ?? {};
      if (!groups) throw new Error(`this is no line of the locks' ledger: ${line}`);
      const { lock = "", count, max, holder = "" } = groups;
      return { lock, count: Number(count), max: Number(max), holder };
    });
}

/**
 * Moments in which more of a lock was had than there is, in sentences. A holder has it at least from its first to its last
 * line; a command that was killed writes no more.
 */
export function findOverHeld(lines: readonly LockLine[]): string[] {
  const found: string[] = [];
  for (const lock of new Set(lines.map((line) => line.lock))) {
    const own = lines.filter((line) => line.lock === lock);
    const last = new Map(own.map(({ holder }, i) => [holder, i]));
    const holding = new Map<string, number>();
    for (const [i, { holder, count, max }] of own.entries()) {
      holding.set(holder, count);
      const sum = [...holding.values()].reduce((total, one) => total + one, 0);
      if (sum > max) found.push(`${lock}: ${[...holding.keys()].join(" and ")} together`);
      if (last.get(holder) === i) holding.delete(holder);
    }
  }
  return [...new Set(found)];
}
