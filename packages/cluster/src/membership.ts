import { type Connection, execute, queryRows } from "@multimaster/database";
import { buildbotExpirySeconds } from "./eviction.ts";
import { type Lease, LeaseLost } from "./lease.ts";
import { leaseIsHeld } from "./lease-is-held.ts";

export type MasterState = "starting" | "running" | "draining";

/** One master as `master status` and the cluster page show it. */
export interface MasterStatus {
  masterid: number;
  name: string;
  alive: boolean;
  /** A real Buildbot master: it has no lease, and so most of the rest is unknown. */
  buildbot: boolean;
  /** Of a live master; otherwise how it ended. "expired": it will be evicted soon. "buried": it was evicted. */
  state: MasterState | "expired" | "buried" | "stopped" | "unknown";
  roles: string[];
  builderSets: string[];
  epoch: number;
  /** Seconds until the lease expires by the database's clock; negative when it has. */
  leaseRemaining: number;
  host: string;
  pid: number;
  release: string;
  dataVersion: number;
  /** A hash of the files of the config that it runs; null: it was never said. */
  configHash: string | null;
  /** For how many seconds it has run that. */
  configAge: number | null;
}

interface MasterRow {
  masterid: number;
  name: string;
  active: number;
  fresh: number;
  epoch: number | null;
  roles: string;
  builder_sets: string;
  state: MasterState;
  remaining: number;
  buried: number;
  ended: number;
  host: string;
  pid: number;
  release: string;
  data_version: number;
  config_hash: string | null;
  config_age: number | null;
}

/** All masters there ever were, by name. */
export async function listMasters(connection: Connection): Promise<MasterStatus[]> {
  const { now, nowSeconds } = connection.dialect;
  const rows = await queryRows<MasterRow>(
    connection,
    `select m.id as masterid, m.name, m.active, l.epoch, l.roles, l.builder_sets, l.state, l.host, l.pid, l.release, l.data_version,
       case when m.last_active >= ${nowSeconds} - ${buildbotExpirySeconds} then 1 else 0 end as fresh,
       l.expires_at - ${now} as remaining,
       case when l.buried_at is not null then 1 else 0 end as buried,
       case when l.ended_at is not null then 1 else 0 end as ended,
       c.hash as config_hash, ${now} - c.started_at as config_age
     from masters m left join mm_leases l on l.masterid = m.id left join mm_master_configs c on c.masterid = m.id
     order by m.name`,
  );
  return rows.map(toStatus);
}

function toStatus(row: MasterRow): MasterStatus {
  const { masterid, name } = row;
  const over = row.epoch === null || row.buried === 1 || row.ended === 1;
  if (over && (row.epoch === null || row.active === 1)) {
    const alive = row.active === 1 && row.fresh === 1;
    const unknown = {
      roles: [],
      builderSets: [],
      epoch: 0,
      leaseRemaining: 0,
      host: "",
      pid: 0,
      release: "",
      dataVersion: 0,
      configHash: null,
      configAge: null,
    };
    return { masterid, name, alive, buildbot: true, state: row.active === 1 ? "unknown" : "stopped", ...unknown };
  }
  const alive = !over && row.remaining > 0;
  return {
    masterid,
    name,
    alive,
    buildbot: false,
    state: alive ? row.state : row.buried === 1 ? "buried" : row.ended === 1 ? "stopped" : "expired",
    roles: JSON.parse(row.roles) as string[],
    builderSets: JSON.parse(row.builder_sets) as string[],
    epoch: row.epoch as number,
    leaseRemaining: over ? 0 : row.remaining,
    host: row.host,
    pid: row.pid,
    release: row.release,
    dataVersion: row.data_version,
    configHash: row.config_hash,
    configAge: row.config_age,
  };
}

/** Writes down for the cluster what this master is doing. */
export async function setState(connection: Connection, lease: Lease, state: MasterState): Promise<void> {
  const sql = `update mm_leases set state = ? where ${leaseIsHeld}`;
  if ((await execute(connection, sql, [state, lease.masterid, lease.epoch])) === 0) throw new LeaseLost(lease);
}
