import type { Member, Order } from "@multimaster/data";
import type { Topic } from "@multimaster/data/client";
import { useRow, useRows } from "../api/live-query.ts";
import { ClusterDiagram } from "../cluster/cluster-diagram.tsx";
import { ClusterHead } from "../cluster/cluster-head.tsx";
import { HealthByPart } from "../cluster/health-by-part.tsx";
import { MemberRow } from "../cluster/member-row.tsx";
import { Page, Panel, Rows } from "../components/page.tsx";
import { When } from "../components/when.tsx";

const topics: readonly Topic[] = [
  "masters/*/*",
  "members/*/*",
  "orders/*/*",
  "workers/*/*",
  "builds/*/new",
  "builds/*/finished",
];

/** A lease gets shorter, and an event loop is blocked, without an event. */
const restMs = 3_000;

const mostChanges = 12;

/** What runs where, is it healthy, what is being drained, and is it safe to upgrade now? */
export function ClusterPage() {
  const current = useRows("members", "members", {}, topics, restMs);
  const isOld = current.error?.status === 404;
  const plain = usePlainMembers(isOld);
  const members = isOld ? plain : current;
  const { row: state } = useRow("cluster", isOld ? undefined : "cluster", {}, topics, restMs);
  const parts = useRows("standing", isOld ? undefined : "standing", {}, topics, restMs);
  const alive = members.rows?.filter((member) => member.alive) ?? [];
  const gone = members.rows?.filter((member) => !member.alive) ?? [];
  return (
    <Page title="Cluster" standing={state?.state === "degraded" ? "failure" : undefined}>
      {members.rows && <ClusterHead state={state} members={alive} parts={parts.rows} />}
      <Rows of={members} empty="No master yet.">
        {() => (
          <>
            <ClusterDiagram members={alive} parts={parts.rows ?? []} />
            {parts.rows && <HealthByPart parts={parts.rows} />}
            <Panel title="Masters" note={`${alive.length} alive`}>
              <div class="members">
                {alive.map((member) => (
                  <MemberRow key={member.masterid} member={member} />
                ))}
              </div>
            </Panel>
            {gone.length > 0 && (
              <details class="gone">
                <summary>{gone.length} gone</summary>
                <ul class="list">
                  {gone.map(({ masterid, name, state: how }) => (
                    <li key={masterid}>
                      <span class="grow">{name}</span>
                      <span class="quiet">{how}</span>
                    </li>
                  ))}
                </ul>
              </details>
            )}
          </>
        )}
      </Rows>
      <RecentOrders />
    </Page>
  );
}

/** The members as far as a master of an earlier release describes them. */
function usePlainMembers(isOld: boolean) {
  const masters = useRows("masters", isOld ? "masters" : undefined, {}, topics);
  const orders = useRows("orders", isOld ? "orders" : undefined, { order: "-orderid", limit: 50 }, topics);
  const builds = useRows("builds", isOld ? "builds" : undefined, { complete: false }, topics);
  const workers = useRows("workers", isOld ? "workers" : undefined, { field: ["workerid", "connected_to"] }, topics);
  const schedulers = useRows("schedulers", isOld ? "schedulers" : undefined, {}, topics);
  const rows = masters.rows?.map((master): Member => {
    const { masterid, name, active } = master;
    const open = orders.rows?.filter((order) => order.masterid === masterid && order.ended_at === null) ?? [];
    return {
      masterid,
      name,
      alive: active,
      buildbot: false,
      state: active ? (open.length > 0 ? "draining" : "running") : "stopped",
      roles: [],
      builder_sets: [],
      release: "",
      data_version: 0,
      epoch: 0,
      host: "",
      pid: 0,
      config_hash: null,
      config_since: null,
      config_warning: null,
      joined_at: null,
      lease_remaining: 0,
      builds_running: builds.rows?.filter((build) => build.masterid === masterid).length ?? 0,
      workers_attached:
        workers.rows?.filter((worker) => worker.connected_to.some((each) => each.masterid === masterid)).length ?? 0,
      singletons_held: schedulers.rows?.filter((scheduler) => scheduler.master?.masterid === masterid).length ?? 0,
      stalled: false,
      latest_stall: null,
      worst_stall: null,
      failures: [],
      orders: open,
    };
  });
  return { rows, total: undefined, error: masters.error };
}

function describe({ kind, role, dry_run }: Order): string {
  if (kind === "reconfig") return dry_run ? "compare the config of" : "reconfigure";
  if (kind === "add") return `add ${role}`;
  return role ? `drop ${role}` : "drain";
}

/** What a new config changed: few are listed, many are counted. */
function ConfigChanges({ changes }: { changes: NonNullable<Order["changes"]> }) {
  if (changes.length === 0) return <div class="quiet">nothing changed</div>;
  const shown = changes.slice(0, mostChanges).map(({ change, kind, name }) => `${kind} ${name} ${change}`);
  const more = changes.length - shown.length;
  return (
    <div class="quiet">
      {shown.join(", ")}
      {more > 0 && ` and ${more} more`}
    </div>
  );
}

function RecentOrders() {
  const orders = useRows("orders", "orders", { order: "-orderid", limit: 10 }, ["orders/*/*"]);
  if (!orders.rows || orders.rows.length === 0) return null;
  return (
    <Panel title="Drains, role changes and new configs">
      <ul class="list">
        {orders.rows.map((order) => (
          <li key={order.orderid} data-row>
            <span class="grow">
              {describe(order)} <strong>{order.master}</strong>{" "}
              <span class="quiet">
                {order.reason && `${order.reason} · `}by {order.ordered_by || "unknown"}
              </span>
              {order.detail && <div class="problem">{order.detail}</div>}
              {order.changes && <ConfigChanges changes={order.changes} />}
              {order.warning && <div class="problem">{order.warning}</div>}
            </span>
            <span>{order.state}</span>
            <span class="quiet when">
              <When at={order.ended_at ?? order.ordered_at} />
            </span>
          </li>
        ))}
      </ul>
    </Panel>
  );
}
