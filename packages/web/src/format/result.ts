/** How a build, a step or a request stands: the word is the class of its colour and the name of its icon, too. */
export type Standing =
  | "success"
  | "warnings"
  | "failure"
  | "skipped"
  | "exception"
  | "retry"
  | "cancelled"
  | "running"
  | "pending";

const byCode: readonly Standing[] = ["success", "warnings", "failure", "skipped", "exception", "retry", "cancelled"];

/** The standing of anything that has been started, is complete or not, and has a result code in the end. */
export function standingOf(thing: {
  readonly complete: boolean;
  readonly results: number | null;
  readonly started_at?: number | null;
}): Standing {
  if (!thing.complete) return thing.started_at === null ? "pending" : "running";
  return byCode[thing.results ?? 0] ?? "exception";
}

/** Whether somebody should look at it. */
export function isBad(standing: Standing): boolean {
  return standing === "failure" || standing === "exception";
}

/** The word in a sentence: "✗ failed in tests". */
export const verbs: Readonly<Record<Standing, string>> = {
  success: "succeeded",
  warnings: "succeeded with warnings",
  failure: "failed",
  skipped: "was skipped",
  exception: "broke",
  retry: "is tried again",
  cancelled: "was cancelled",
  running: "is running",
  pending: "waits",
};

/** One character each, for titles, where no icon can be shown. */
export const glyphs: Readonly<Record<Standing, string>> = {
  success: "✓",
  warnings: "⚠",
  failure: "✗",
  skipped: "⤼",
  exception: "‼",
  retry: "↻",
  cancelled: "⊘",
  running: "▶",
  pending: "○",
};
