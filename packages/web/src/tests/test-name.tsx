interface Named {
  readonly testid: number | null;
  readonly name: string | null;
  readonly code_path?: string | null;
  readonly line?: number | null;
}

/** A test by its name, with the way to its history; below it where it is written. */
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
