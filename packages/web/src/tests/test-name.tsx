interface Named {
  readonly testid: number | null;
  readonly name: string | null;
  readonly code_path?: string | null;
  readonly line?: number | null;
}

/** The name of a test, which links to its history, and its place in the source. */
export function TestName({ test: { testid, name, code_path: path = null, line = null } }: { test: Named }) {
  const shown = name || "a test without a name";
  return (
    <>
      {testid === null ? shown : <a href={`/tests/${testid}`}>{shown}</a>}
      {path !== null && (
        <div class="quiet">
          {path}
          {line !== null && `:${line}`}
        </div>
      )}
    </>
  );
}
