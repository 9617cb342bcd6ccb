import { useRows } from "../api/live-query.ts";
import { Panel } from "../components/page.tsx";
import { ResultMark } from "../components/result-token.tsx";
import { useBuilders } from "../format/names.ts";
import { listFirstSteps } from "./list-first-steps.ts";

/** Shown while there is no build: what a new cluster has, and what to do until the first one. */
export function FirstSteps() {
  const builders = useBuilders();
  const workers = useRows("workers", "workers", { field: ["workerid", "connected_to"] }, ["workers/*/*"]);
  const changes = useRows("changes", "changes", { limit: 1, field: ["changeid"] }, ["changes/*/new"]);
  if (!builders.rows || !workers.rows || !changes.rows) return null;
  const steps = listFirstSteps({
    builders: builders.rows.length,
    workers: workers.rows.length,
    attached: workers.rows.filter(({ connected_to: engines }) => engines.length > 0).length,
    changes: changes.rows.length,
  });
  return (
    <Panel title="First steps">
      <ul class="list">
        {steps.map(({ isDone, sentence, href }) => (
          <li key={sentence} data-row>
            <ResultMark standing={isDone ? "success" : "pending"} title={isDone ? "done" : "to do"} />
            <a class="grow" href={href}>
              {sentence}
            </a>
          </li>
        ))}
      </ul>
    </Panel>
  );
}
