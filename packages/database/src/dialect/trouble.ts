/** Why the database, rather than the statement, is at fault. The same statement may succeed later. */
export interface DatabaseTrouble {
  /** `absent`: there is no answer. `refuses`: it answers, and the answer is no. */
  readonly kind: "absent" | "refuses";
  /** A clause for people that names nothing of the inside: "it is read-only". */
  readonly reason: string;
}

export const absent: DatabaseTrouble = { kind: "absent", reason: "it does not answer" };

export function refuses(reason: string): DatabaseTrouble {
  return { kind: "refuses", reason };
}

/** Searches an error and what caused it, however deep, for a trouble of the database. */
export function findInCauses(
  error: unknown,
  judge: (cause: Error) => DatabaseTrouble | undefined,
): DatabaseTrouble | undefined {
  const seen = new Set<unknown>();
  for (let cause = error; cause instanceof Error && !seen.has(cause); cause = cause.cause) {
    seen.add(cause);
    const trouble = judge(cause);
    if (trouble) return trouble;
    // Node reports a host with several addresses by one error for each of them.
    const inner = cause instanceof AggregateError ? cause.errors : [];
    for (const each of inner) {
      const found = each instanceof Error ? judge(each) : undefined;
      if (found) return found;
    }
  }
  return undefined;
}
