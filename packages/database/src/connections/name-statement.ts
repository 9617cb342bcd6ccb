const named = new WeakSet<Error>();

/** Puts the statement that failed before the message of its error. One error may end many statements: the first counts. */
export function nameStatement(error: unknown, statement: string): void {
  if (!(error instanceof Error) || named.has(error)) return;
  named.add(error);
  error.message = `${statement} - ${error.message}`;
}
