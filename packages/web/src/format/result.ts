/** The state or result of a build, a step or a request; also the class of its colour and the name of its icon. */
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

/** The standing of anything that starts, completes, and then has a result code. */
export function standingOf(thing: {
  readonly complete: boolean;
  readonly results: number | null;
  readonly started_at?: number | null;
}): Standing {
  if (!thing.complete) return thing.started_at === null ? "pending" : "running";
  return byCode[thing.results ?? 0] ?? "exception";
}

/** Whether it needs attention. */
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
  retry: "is retried",
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
