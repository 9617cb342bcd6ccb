/** A statement as PostgreSQL's driver takes it. */
interface Numbered {
  readonly text: string;
  readonly count: number;
}

/** Users' filters make ever new statements. */
const maxKnown = 2000;
const known = new Map<string, Numbered>();

/** Writes `$1`, `$2` … for each `?`. Throws unless there is a binding for each: the server would blame the connection. */
export function numberPlaceholders(statement: string, bindings: readonly unknown[]): string {
  if (bindings.length === 0 && !statement.includes("?")) return statement;
  const { text, count } = known.get(statement) ?? remember(statement);
  if (count !== bindings.length)
    throw new Error(`A statement has ${count} placeholders and ${bindings.length} bindings: ${statement}`);
  refuseUndefined(statement, bindings);
  return text;
}

/** A binding that is missing by mistake must not become null. */
export function refuseUndefined(statement: string, bindings: readonly unknown[]): void {
  const missing = bindings.indexOf(undefined);
  if (missing >= 0) throw new Error(`Binding ${missing + 1} of a statement is undefined: ${statement}`);
}

function remember(statement: string): Numbered {
  let count = 0;
  const text = statement.replaceAll("?", () => `$${++count}`);
  const numbered = { text, count };
  if (known.size >= maxKnown) known.clear();
  known.set(statement, numbered);
  return numbered;
}
