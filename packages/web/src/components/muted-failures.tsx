import { useRows } from "../api/live-query.ts";
import { FailingRow } from "./failing-row.tsx";

const mostShown = 50;

/** What fails and is muted: folded below what needs attention, never left out. */
export function MutedFailures({
  query,
}: {
  query: {
    readonly watched?: boolean;
    readonly configured?: boolean;
    readonly words__contains?: string;
    readonly projectid?: number | undefined;
  };
}) {
  const muted = useRows("failing", "failing", { ...query, muted: true, order: "since", limit: mostShown }, [
    "builds/*/finished",
    "notes/*/*",
  ]);
  if (!muted.rows || muted.rows.length === 0) return null;
  return (
    <details class="muted">
      <summary>
        <span class="num">{muted.total ?? muted.rows.length}</span> muted
      </summary>
      <ul class="list">
        {muted.rows.map((line) => (
          <FailingRow key={line.lineid} line={line} />
        ))}
      </ul>
    </details>
  );
}
