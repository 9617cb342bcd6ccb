/** Result codes as stored in every `results` column (docs/spec/database.md §1). */
export const Results = {
  SUCCESS: 0,
  WARNINGS: 1,
  FAILURE: 2,
  SKIPPED: 3,
  EXCEPTION: 4,
  RETRY: 5,
  CANCELLED: 6,
} as const;

export type Result = (typeof Results)[keyof typeof Results];

const names = ["success", "warnings", "failure", "skipped", "exception", "retry", "cancelled"] as const;

/** The word shown to people for a result code. */
export function resultName(result: Result): (typeof names)[number] {
  return names[result];
}

/** The order of `worstResult`. */
export const worstFirst: readonly Result[] = [
  Results.CANCELLED,
  Results.RETRY,
  Results.EXCEPTION,
  Results.FAILURE,
  Results.WARNINGS,
  Results.SUCCESS,
  Results.SKIPPED,
];

/** Combines two results: the worse one wins, and SKIPPED loses to every other. */
export function worstResult(a: Result, b: Result): Result {
  return worstFirst.indexOf(a) <= worstFirst.indexOf(b) ? a : b;
}
