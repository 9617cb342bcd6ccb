import type { Build, Worker } from "@multimaster/data";
import type { Query } from "@multimaster/data/client";
import { useRows } from "../api/live-query.ts";
import { Page, Rows } from "../components/page.tsx";
import { PageLinks } from "../components/page-links.tsx";
import { Table } from "../components/table.tsx";
import { When } from "../components/when.tsx";
import { WorkerActions } from "../components/worker-actions.tsx";
import { WorkerStateToken } from "../components/worker-state.tsx";
import { useBuilderNames, useMasterNames } from "../format/names.ts";
import { workerState } from "../format/worker-state.ts";
import { navigate, usePlace, withQuery } from "../router.ts";

/** A farm may have thousands of workers: only one page of them is read, again at each event. */
const pageSize = 100;

// `complete`, too: the API filters only by fields that are requested.
const buildFields = ["buildid", "builderid", "number", "workerid", "started_at", "complete"] as const;

/** The workers: what each one does, and its actions. */
export function WorkersPage() {
  const place = usePlace();
  const from = Math.max(0, Number(place.query.get("from")) || 0);
  const text = place.query.get("q") ?? "";
  const workers = useRows("workers", "workers", queryPage(text, from), ["workers/*/*"]);
  const ids = workers.rows?.map(({ workerid }) => workerid);
  const running = useRows(
    "builds",
    ids && ids.length > 0 ? "builds" : undefined,
    { complete: false, limit: 10 * pageSize, field: buildFields, workerid: ids },
    ["builds/*/new", "builds/*/finished"],
  );
  return (
    <Page title="Workers">
      <div class="filters">
        <input
          type="search"
          aria-label="Filter workers by name"
          placeholder="Filter by name"
          value={text}
          onInput={(event) => navigate(withQuery(place, { q: event.currentTarget.value, from: "" }), { replace: true })}
        />
        <span class="quiet">{countStates(workers.rows ?? [])}</span>
        <PageLinks size={pageSize} from={from} shown={workers.rows?.length ?? 0} total={workers.total ?? 0} />
      </div>
      <Rows
        of={workers}
        empty={text || from ? "No such worker." : "No workers. Add some to the workers of the config."}
      >
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
              <WorkerRow
                key={worker.workerid}
                worker={worker}
                builds={running.rows?.filter(({ workerid }) => workerid === worker.workerid) ?? []}
              />
            ))}
          </Table>
        )}
      </Rows>
    </Page>
  );
}

function WorkerRow({
  worker,
  builds,
}: {
  worker: Worker;
  builds: readonly Pick<Build, (typeof buildFields)[number]>[];
}) {
  const builderName = useBuilderNames();
  const masterName = useMasterNames();
  return (
    <tr>
      <td>
        <a href={`/workers/${worker.workerid}`}>{worker.name}</a>
      </td>
      <td>
        <WorkerStateToken worker={worker} />
        <Since worker={worker} />
      </td>
      <td>
        {builds.map((build) => (
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
      <td class="quiet">{describeSoftware(worker)}</td>
      <td class="right">
        <WorkerActions worker={worker} />
      </td>
    </tr>
  );
}

/** Since when it takes no builds, and who paused it; a master of an earlier release does not say it in lists. */
function Since({
  worker: { connected_to: engines, paused, paused_by: by, paused_at: pausedAt, away_since: awayAt },
}: {
  worker: Worker;
}) {
  const at = engines.length === 0 ? awayAt : paused ? pausedAt : null;
  if (typeof at !== "number") return null;
  return (
    <div class="quiet">
      {engines.length > 0 && by && (
        <>
          by <bdi>{by}</bdi>,{" "}
        </>
      )}
      <When at={at} />
    </div>
  );
}

function queryPage(text: string, from: number): Query<"workers"> {
  const names = [...new Set([text, text.toLowerCase(), text.toUpperCase()])].filter(Boolean);
  return { order: "name", limit: pageSize, offset: from, name__contains: names };
}

function countStates(workers: readonly Worker[]): string {
  const counts = new Map<string, number>();
  for (const worker of workers) counts.set(workerState(worker), (counts.get(workerState(worker)) ?? 0) + 1);
  return [...counts].map(([state, count]) => `${count} ${state}`).join(" · ");
}

function describeSoftware({ workerinfo }: Worker): string {
  const info = workerinfo as Readonly<Record<string, unknown>>;
  return [info["version"], info["system"] ?? info["platform"]].filter((part) => typeof part === "string").join(" · ");
}
