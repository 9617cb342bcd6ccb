import type { Standing } from "./result.ts";
import { formatDuration } from "./time.ts";

const standings: Readonly<Record<string, Standing>> = {
  pass: "success",
  fail: "failure",
  error: "exception",
  skip: "skipped",
};

/** The standing of a test with this outcome. */
export function standingOfTest(outcome: string): Standing {
  return standings[outcome] ?? "exception";
}

const verbs: Readonly<Record<string, string>> = {
  pass: "passed",
  fail: "failed",
  error: "broke",
  skip: "skipped",
};

/** The verb for an outcome. */
export function verbOfTest(outcome: string): string {
  return verbs[outcome] ?? outcome;
}

/** "3 ms", "0.25 s", "12.3 s", "2:05": finer than for builds. */
export function formatTestTime(ns: number | null): string {
  if (ns === null) return "–";
  const seconds = ns / 1e9;
  if (seconds < 0.1) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 10) return `${seconds.toFixed(2)} s`;
  return seconds < 60 ? `${seconds.toFixed(1)} s` : formatDuration(seconds);
}

/** The rows whose name contains the text. */
export function filterTests<Row extends { readonly name: string | null }>(
  rows: readonly Row[],
  text: string,
): readonly Row[] {
  const wanted = text.trim().toLowerCase();
  return wanted === "" ? rows : rows.filter(({ name }) => (name ?? "").toLowerCase().includes(wanted));
}
