import type { Build, Worker } from "@multimaster/data";
import { useRows } from "../api/live-query.ts";
import { Page, Rows } from "../parts/page.tsx";
import { Table } from "../parts/table.tsx";
import { When } from "../parts/when.tsx";
import { WorkerActions } from "../parts/worker-actions.tsx";
import { WorkerStateToken } from "../parts/worker-state.tsx";
import { navigate, usePlace, withQuery } from "../router.ts";
import { useBuilderNames, useMasterNames } from "../words/names.ts";
import { workerState } from "../words/worker-state.ts";

/** The machines: what each does, and what can be asked of it. */
export function WorkersPage() {
  const place = usePlace();
  const workers = useRows<Worker>("workers", ["workers/*/*"]);
  const running = useRows<Build>("builds?complete=false", ["builds/*/*"]);
  const builderName = useBuilderNames();
  const masterName = useMasterNames();
  const text = (place.query.get("q") ?? "").toLowerCase();
  const shown = workers.rows?.filter(({ name }) => name.toLowerCase().includes(text));
  return (
    <Page title="Workers">
      <div class="filters">
        <input
          type="search"
          aria-label="Filter workers by name"
          placeholder="Filter by name"
          value={place.query.get("q") ?? ""}
          onInput={(event) => navigate(withQuery(place, { q: event.currentTarget.value }), { replace: true })}
        />
        <span class="quiet">{countStates(workers.rows ?? [])}</span>
      </div>
      <Rows of={{ rows: shown, error: workers.error }} empty="No worker. Name some in the workers of the config.">
        {(rows) => (
          <Table
            stacks
            head={
              <>
                <th>Worker</th>
                <th>State</th>
                <th>Builds now</th>
                <th>Engine</th>
                <th>Software</th>
                <th>
                  <span class="sr-only">Actions</span>
                </th>
              </>
            }
          >
            {rows.map((worker) => (
              <tr key={worker.workerid}>
                <td>
                  <a href={`/workers/${worker.workerid}`}>{worker.name}</a>
                </td>
                <td>
                  <WorkerStateToken worker={worker} />
                </td>
                <td>
                  {running.rows
                    ?.filter(({ workerid }) => workerid === worker.workerid)
                    .map((build) => (
                      <div key={build.buildid} class="cut">
                        <a href={`/builders/${build.builderid}/builds/${build.number}`}>
                          {builderName(build.builderid)} <span class="num">#{build.number}</span>
                        </a>{" "}
                        <span class="quiet">
                          <When at={build.started_at} />
                        </span>
                      </div>
                    ))}
                </td>
                <td>{worker.connected_to.map(({ masterid }) => masterName(masterid)).join(", ")}</td>
                <td class="quiet">{softwareWords(worker)}</td>
                <td class="right">
                  <WorkerActions worker={worker} />
                </td>
              </tr>
            ))}
          </Table>
        )}
      </Rows>
    </Page>
  );
}

function countStates(workers: readonly Worker[]): string {
  const counts = new Map<string, number>();
  for (const worker of workers) counts.set(workerState(worker), (counts.get(workerState(worker)) ?? 0) + 1);
  return [...counts].map(([state, count]) => `${count} ${state}`).join(" · ");
}

function softwareWords({ workerinfo }: Worker): string {
  const info = workerinfo as Readonly<Record<string, unknown>>;
  return [info["version"], info["system"] ?? info["platform"]].filter((part) => typeof part === "string").join(" · ");
}
