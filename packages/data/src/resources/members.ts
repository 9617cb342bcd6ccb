import { describeSplit, findConfigSplits, listMasters } from "@multimaster/cluster";
import { type Connection, queryRows, readServiceFailures } from "@multimaster/database";
import type { z } from "zod";
import { defineResource, plainFields, type ReadContext } from "../model/define-resource.ts";
import { bool, datetime, entity, identifier, integer, text } from "../model/field-kinds.ts";
import { groupValues } from "../read/group-values.ts";
import { findItems, loadItems } from "../read/read-items.ts";
import { type Order, orders } from "./orders.ts";
import { type Stall, stall, stalls } from "./stalls.ts";

const shape = {
  masterid: integer,
  name: text,
  alive: bool,
  /** A real Buildbot master: most of the rest is unknown. */
  buildbot: bool,
  /** `starting`, `running`, `draining`; or how it ended: `expired` (about to be evicted), `buried` (evicted), `stopped`. */
  state: identifier(16),
  roles: text.array(),
  builder_sets: text.array(),
  release: text,
  /** The newest form of rows that it knows. */
  data_version: integer,
  host: text,
  pid: integer,
  /** A hash of the files of the config that it runs, and since when. */
  config_hash: identifier(64).nullable(),
  config_since: datetime.nullable(),
  /** Other masters of its roles have been running another config for minutes: who, in a sentence. */
  config_warning: text.nullable(),
  /** Rises with each incarnation. */
  epoch: integer,
  joined_at: datetime.nullable(),
  /** Whole seconds; negative when it has expired. */
  lease_remaining: integer,
  builds_running: integer,
  workers_attached: integer,
  /** Schedulers and change sources. */
  singletons_held: integer,
  /** Its event loop is blocked now. */
  stalled: bool,
  latest_stall: stall.nullable(),
  /** The longest of the last day. */
  worst_stall: stall.nullable(),
  /** What it does in the background and fails at again and again, the oldest first. */
  failures: entity("service_failure", { service: text, since: datetime, cause: text }).array(),
  /** Its open orders; the progress of a drain is in its order. */
  orders: entity("order", orders.schema.shape).array(),
};

export type Member = z.output<z.ZodObject<typeof shape>>;

/** A master with everything the cluster knows of it; `masters` has Buildbot's shape. */
export const members = defineResource({
  name: "member",
  plural: "members",
  rights: { needs: ["masters", "orders", "stalls"] },
  id: "masterid",
  fields: plainFields(shape),
  rows: readMembers,
  paths: [
    { pattern: "members", kind: "collection" },
    { pattern: "members/n:masterid", kind: "single", rows: readNamed(({ masterid }) => masterid, "masterid") },
    { pattern: "members/s:name", kind: "single", rows: readNamed(({ name }) => name, "name") },
  ],
  events: {
    names: { update: "Pages of the cluster show it; without it, at their next read." },
    topics: ["members/:masterid"],
  },
});

function readNamed(of: (member: Member) => string | number, param: string) {
  return async (context: ReadContext) =>
    (await readMembers(context)).filter((member) => of(member) === context.params[param]);
}

/** All masters that ever joined, by name. */
export async function readMembers(context: ReadContext): Promise<Member[]> {
  const { connection } = context;
  const [masters, joined, load, stood, failing, open] = await Promise.all([
    listMasters(connection),
    readJoined(connection),
    readLoad(connection),
    readStalls(context),
    readServiceFailures(connection),
    findItems(orders, connection, { filters: [{ field: "ended_at", operator: "eq", values: [null] }] }),
  ]);
  const ordersOf = groupValues(((open?.rows ?? []) as Order[]).map((order) => [order.masterid, order]));
  const failuresOf = groupValues(
    failing.map(({ masterid, since, ...failure }) => [masterid, { ...failure, since: Math.floor(since) }]),
  );
  const splits = findConfigSplits(masters);
  const now = Math.floor(Date.now() / 1000);
  return masters.map((master) => {
    const { masterid, alive } = master;
    const split = splits.find(({ role }) => alive && master.roles.includes(role));
    const { latest = null, worst = null } = stood.get(masterid) ?? {};
    return {
      masterid,
      name: master.name,
      alive,
      buildbot: master.buildbot,
      state: master.state,
      roles: master.roles,
      builder_sets: master.builderSets,
      release: master.release,
      data_version: master.dataVersion,
      host: master.host,
      pid: master.pid,
      config_hash: master.configHash,
      config_since: master.configAge === null ? null : now - Math.floor(master.configAge),
      config_warning: split ? describeSplit(split) : null,
      epoch: master.epoch,
      joined_at: joined.get(masterid) ?? null,
      lease_remaining: Math.floor(master.leaseRemaining),
      builds_running: load.builds.get(masterid) ?? 0,
      workers_attached: load.workers.get(masterid) ?? 0,
      singletons_held: load.singletons.get(masterid) ?? 0,
      stalled: alive && latest !== null && latest.ended_at === null,
      latest_stall: latest,
      worst_stall: worst,
      failures: (alive && failuresOf.get(masterid)) || [],
      orders: ordersOf.get(masterid) ?? [],
    };
  });
}

async function readJoined(connection: Connection): Promise<Map<number, number>> {
  const rows = await queryRows<{ masterid: number; joined_at: number }>(
    connection,
    "select masterid, joined_at from mm_leases",
  );
  return new Map(rows.map((row) => [row.masterid, Math.floor(row.joined_at)]));
}

async function readLoad(connection: Connection) {
  const count = async (from: string) => {
    const rows = await queryRows<{ masterid: number; n: number }>(
      connection,
      `select masterid, count(*) as n from ${from} group by masterid`,
    );
    return new Map(rows.map(({ masterid, n }) => [masterid, n]));
  };
  const [builds, workers, singletons] = await Promise.all([
    count("builds where complete_at is null"),
    count("connected_workers"),
    count("(select masterid from scheduler_masters union all select masterid from changesource_masters) held"),
  ]);
  return { builds, workers, singletons };
}

const daySeconds = 24 * 3600;

/** Of each master the latest stall, and the longest of the last day; one that lasts counts until now. */
async function readStalls(context: ReadContext): Promise<Map<number, { latest?: Stall; worst?: Stall }>> {
  const { connection } = context;
  const { now } = connection.dialect;
  const rows = await queryRows<{ masterid: number; latest: number; worst: number | null }>(
    connection,
    `select l.masterid, max(l.id) as latest,
            (select w.id from mm_loop_stalls w where w.masterid = l.masterid and w.began_at > ${now} - ${daySeconds}
              order by coalesce(w.ended_at, ${now}) - w.began_at desc, w.id limit 1) as worst
       from mm_loop_stalls l group by l.masterid`,
  );
  const ids = [...new Set(rows.flatMap(({ latest, worst }) => (worst === null ? [latest] : [latest, worst])))];
  const found = await loadItems(stalls, context, ids);
  return new Map(
    rows.map(({ masterid, latest, worst }) => {
      const [newest, longest] = [found.get(latest), worst === null ? undefined : found.get(worst)];
      return [masterid, { ...(newest ? { latest: newest } : {}), ...(longest ? { worst: longest } : {}) }];
    }),
  );
}
