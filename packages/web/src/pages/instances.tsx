import type { LatentWorker, WorkerInstance } from "@multimaster/data";
import type { Topic } from "@multimaster/data/client";
import { useEffect } from "preact/hooks";
import { useRows, wakeAll } from "../api/live-query.ts";
import { call } from "../api/read.ts";
import { ActionButton } from "../components/action-button.tsx";
import { Page, Rows } from "../components/page.tsx";
import { Table } from "../components/table.tsx";
import { When } from "../components/when.tsx";
import { useMasterNames } from "../format/names.ts";

const topics: readonly Topic[] = ["workers/*/*", "builds/*/new", "builds/*/finished"];
/** The start of an instance has no event of its own. */
const pollMs = 3000;

/** Latent workers, with what waits for them, and every instance that there is. */
export function InstancesPage() {
  const latents = useRows("latentworkers", "latentworkers", { order: "name", limit: 500 }, topics);
  const instances = useRows("workerinstances", "workerinstances", { order: "instanceid", limit: 1000 }, topics);
  useEffect(() => {
    const timer = setInterval(wakeAll, pollMs);
    return () => clearInterval(timer);
  }, []);
  return (
    <Page title="Instances">
      <Rows of={latents} empty="No workers are made on demand. Add some to latent of the workers of the config.">
        {(rows) => (
          <>
            <LatentTable latents={rows} />
            <Rows of={instances} empty="There is no instance now.">
              {(found) => <InstanceTable instances={found} />}
            </Rows>
          </>
        )}
      </Rows>
    </Page>
  );
}

function LatentTable({ latents }: { latents: readonly LatentWorker[] }) {
  return (
    <Table
      stacks
      head={
        <>
          <th>Made on demand</th>
          <th>Instances</th>
          <th>Requests waiting</th>
          <th>Last start</th>
        </>
      }
    >
      {latents.map((latent) => (
        <tr key={latent.name}>
          <td>
            {latent.name} <span class="quiet">{latent.kind}</span>
          </td>
          <td>{describeCounts(latent)}</td>
          <td class="num">{latent.pending}</td>
          <td class="wide">
            {latent.failure !== null && (
              <>
                <span class="problem">failed: {latent.failure}</span>
                {latent.next_start_at !== null && (
                  <span class="quiet">
                    {" "}
                    next one <When at={latent.next_start_at} />
                  </span>
                )}
              </>
            )}
          </td>
        </tr>
      ))}
    </Table>
  );
}

function describeCounts({ starting, running, stopping, max_instances: most }: LatentWorker): string {
  const counts = [`${running} running`, starting > 0 && `${starting} starting`, stopping > 0 && `${stopping} ending`];
  return `${counts.filter(Boolean).join(", ")}, at most ${most}`;
}

function InstanceTable({ instances }: { instances: readonly WorkerInstance[] }) {
  const masterName = useMasterNames();
  return (
    <Table
      stacks
      head={
        <>
          <th>Instance</th>
          <th>State</th>
          <th>Build</th>
          <th>Host</th>
          <th>Engine</th>
          <th>
            <span class="sr-only">Actions</span>
          </th>
        </>
      }
    >
      {instances.map((instance) => (
        <tr key={instance.instanceid}>
          <td>
            <a href={`/workers/${instance.workerid}`}>{instance.worker}</a>
          </td>
          <td>
            {instance.destroyed ? "being destroyed" : instance.state}{" "}
            <span class="quiet">
              since <When at={sinceOf(instance)} />
            </span>
          </td>
          <td>{describeWork(instance)}</td>
          <td>{instance.place}</td>
          <td>{instance.masterid === null ? "none at this moment" : masterName(instance.masterid)}</td>
          <td class="right">
            {!instance.destroyed && (
              <ActionButton
                kind="small danger"
                confirm="End it now? What it builds is built again elsewhere."
                act={() => call("workerinstances", `workerinstances/${instance.instanceid}`, "destroy", {})}
              >
                Destroy
              </ActionButton>
            )}
          </td>
        </tr>
      ))}
    </Table>
  );
}

const sinceOf = ({ state, attached_at: attached, made_at: made }: WorkerInstance) =>
  state === "running" ? (attached ?? made) : made;

function describeWork({ buildid, buildrequestid }: WorkerInstance) {
  if (buildid !== null) return <a href={`/builds/${buildid}`}>build {buildid}</a>;
  return buildrequestid === null ? null : <a href={`/buildrequests/${buildrequestid}`}>for a request</a>;
}
