/** How a test ended. */
export type Outcome = "pass" | "fail" | "error" | "skip";

/** One test as a file reports it. */
export interface ReportedTest {
  name: string;
  path: string | null;
  line: number | null;
  durationNs: number | null;
  outcome: Outcome;
  /** Why it did not pass, as far as the file says so. */
  message: string;
}

/** A file is not what it should be; the message says what is wrong, and where. */
export class BadReport extends Error {
  override name = "BadReport";
}

/** What a test says at most of why it failed, and how long its name and path may be. */
export const longestMessage = 64 * 1024;
export const longestName = 1000;

/** A test of which nothing is known but its name and how it ended. */
export function createTest(name: string, outcome: Outcome, more: Partial<ReportedTest> = {}): ReportedTest {
  const { message = "", path = null } = more;
  return {
    line: null,
    durationNs: null,
    ...more,
    name: name.slice(0, longestName),
    path: path === null ? null : path.slice(0, longestName),
    outcome,
    message: message.slice(0, longestMessage).trim(),
  };
}

/** Nanoseconds of a number of seconds; null: it is none. */
export function toNanoseconds(seconds: number | null | undefined): number | null {
  return typeof seconds === "number" && Number.isFinite(seconds) && seconds >= 0 ? Math.round(seconds * 1e9) : null;
}
