import { errors } from "@multimaster/core";
import {
  type Connection,
  type Database,
  execute,
  isLeaseLive,
  longest,
  queryRows,
  truncateText,
} from "@multimaster/database";
import { readStranded, saveDrainWarning } from "./drain-warnings.ts";
import { type Lease, LeaseLost } from "./lease.ts";
import { leaseIsHeld } from "./lease-is-held.ts";

/** To end what a master or one of its roles does, to add a role, or to take over a new config. */
export type OrderKind = "drain" | "add" | "reconfig";

/** A command to a master, or to one of its roles (`role`). */
export interface NewOrder {
  masterid: number;
  kind: OrderKind;
  /** Null: the whole master. */
  role: string | null;
  /** Of an engine that is added. */
  builderSets?: readonly string[];
  /** Of a new config: what would change is only to be shown. */
  dryRun?: boolean;
  reason: string;
  orderedBy: string;
  /** Seconds from now after which what still runs is released; 0: immediately. Null: however long it takes. */
  deadline?: number | null;
}

/** Writes the audit row of an order in its transaction. */
type Trail = (tx: Connection) => Promise<void>;

/** An order that has not been carried out to its end, as its master sees it. */
export interface OpenOrder {
  orderid: number;
  kind: OrderKind;
  role: string | null;
  builderSets: string[] | null;
  dryRun: boolean;
  reason: string;
  orderedBy: string;
  /** Seconds until the deadline, by the database's clock; negative when it has passed. */
  deadlineIn: number | null;
  undone: boolean;
}

/** "done", or how else an order ended. "lost": its master died, or lost its lease, before it was carried out. */
export type OrderOutcome = "done" | "undone" | "failed" | "lost";

/** Masters of the first release, whose data version is lower, never poll orders. */
const carriesOutOrders = 2;

interface Target {
  name: string;
  epoch: number | null;
  roles: string | null;
  data_version: number | null;
  live: number;
  active: number;
  /** It takes over a new config while it runs. */
  reconfigures: number;
}

/** The incarnation of the master that an order is for. Throws if there is none that could carry it out. */
async function findTarget(
  tx: Connection,
  masterid: number,
  kind: OrderKind = "drain",
): Promise<{ name: string; epoch: number; roles: string[] }> {
  const { now } = tx.dialect;
  const [target] = await queryRows<Target>(
    tx,
    `select m.name, m.active, l.epoch, l.roles, l.data_version,
       case when ${isLeaseLive("l", now)} then 1 else 0 end as live,
       case when exists (select 1 from mm_master_configs c where c.masterid = m.id and c.epoch = l.epoch)
         then 1 else 0 end as reconfigures
     from masters m left join mm_leases l on l.masterid = m.id where m.id = ?`,
    [masterid],
  );
  if (!target) throw errors.notFound(`There is no master with the id ${masterid}.`);
  if (target.epoch === null && target.active === 1) throw errors.masterTakesNoOrders(target.name);
  if (target.epoch === null || target.live === 0) throw errors.masterNotAlive(target.name);
  if ((target.data_version ?? 0) < carriesOutOrders) throw errors.masterTakesNoOrders(target.name);
  if (kind === "reconfig" && target.reconfigures === 0) throw errors.takesNoReconfig(target.name);
  return { name: target.name, epoch: target.epoch, roles: JSON.parse(target.roles ?? "[]") as string[] };
}

/**
 * Writes an order down for a live master, and returns its id. There is at most one open drain of a master and of each of
 * its roles: a second one is the first with another deadline, and brings a drain that was being undone back. Throws, in
 * a sentence, when the master cannot carry it out.
 */
export function placeOrder(database: Database, given: NewOrder, trail?: Trail): Promise<number> {
  const order = {
    ...given,
    reason: truncateText(given.reason, longest.sentence),
    orderedBy: truncateText(given.orderedBy, longest.name),
  };
  return database.transaction(async (tx) => {
    const target = await findTarget(tx, order.masterid, order.kind);
    await tx.dialect.lockName(tx, `orders of ${order.masterid}`);
    checkRole(order, target);
    await trail?.(tx);
    if (order.kind === "drain") {
      const open = await renewDrain(tx, order, target.epoch);
      if (open !== undefined) return warn(tx, open, order, target.roles);
    }
    const { sql, bindings } = deadlineOf(tx, order);
    const [placed] = await queryRows<{ id: number }>(
      tx,
      `insert into mm_orders (masterid, epoch, kind, role, builder_sets, reason, ordered_by, ordered_at, deadline_at)
       values (?, ?, ?, ?, ?, ?, ?, ${tx.dialect.now}, ${sql}) returning id`,
      [
        order.masterid,
        target.epoch,
        order.kind,
        order.role,
        order.builderSets === undefined ? null : JSON.stringify(order.builderSets),
        order.reason,
        order.orderedBy,
        ...bindings,
      ],
    );
    const { id } = placed as { id: number };
    if (order.kind === "reconfig")
      await execute(tx, "insert into mm_reconfigs (orderid, dry_run) values (?, ?)", [id, order.dryRun ? 1 : 0]);
    return warn(tx, id, order, target.roles);
  });
}

/** Of a drain that people or programs ask for; who ends the process itself is not asked again. */
async function warn(tx: Connection, orderid: number, order: NewOrder, roles: readonly string[]): Promise<number> {
  if (order.kind !== "drain" || order.orderedBy === orderedBySignal) return orderid;
  const leaving = order.role === null ? roles : [order.role];
  await saveDrainWarning(tx, orderid, { warning: (await readStranded(tx, order.masterid, leaving)).warning });
  return orderid;
}

/** A drain that a signal began stays: it cannot be undone, only hurried. */
async function renewDrain(tx: Connection, order: NewOrder, epoch: number): Promise<number | undefined> {
  const { sql, bindings } = deadlineOf(tx, order);
  const [open] = await queryRows<{ id: number }>(
    tx,
    `update mm_orders set deadline_at = coalesce(${sql}, case when ? = '${orderedBySignal}' then deadline_at end),
       undone_at = null, reason = ?, ordered_by = case when ordered_by = ? then ordered_by else ? end
     where masterid = ? and epoch = ? and kind = 'drain' and ended_at is null and coalesce(role, '') = ? returning id`,
    [
      ...bindings,
      order.orderedBy,
      order.reason,
      orderedBySignal,
      order.orderedBy,
      order.masterid,
      epoch,
      order.role ?? "",
    ],
  );
  return open?.id;
}

function deadlineOf(tx: Connection, { deadline }: NewOrder): { sql: string; bindings: number[] } {
  if (deadline === null || deadline === undefined) return { sql: "null", bindings: [] };
  return { sql: `${tx.dialect.now} + ?`, bindings: [deadline] };
}

function checkRole({ kind, role }: NewOrder, { name, roles }: { name: string; roles: readonly string[] }): void {
  if (role === null) return;
  if (kind === "add" && roles.includes(role)) throw errors.roleAlreadyThere(name, role);
  if (kind === "drain" && !roles.includes(role)) throw errors.roleNotThere(name, role, roles);
  if (kind === "drain" && roles.length === 1) throw errors.onlyRole(name, role);
}

/** Who a drain is from that no one may undo: a signal asked the process to end. */
export const orderedBySignal = "signal";

/** Undoes an open drain, and returns its order's id; its master takes work again as soon as it sees that. */
export function undoDrain(database: Database, masterid: number, role: string | null, trail?: Trail): Promise<number> {
  return database.transaction(async (tx) => {
    const { name, epoch } = await findTarget(tx, masterid);
    await tx.dialect.lockName(tx, `orders of ${masterid}`);
    const [open] = await queryRows<{ id: number; ordered_by: string }>(
      tx,
      `select id, ordered_by from mm_orders
       where masterid = ? and epoch = ? and kind = 'drain' and ended_at is null and coalesce(role, '') = ?`,
      [masterid, epoch, role ?? ""],
    );
    if (!open)
      throw errors.notDraining(role === null ? `the master ${name}` : `the role ${role} of the master ${name}`);
    if (open.ordered_by === orderedBySignal) throw errors.endsBySignal(name);
    await trail?.(tx);
    await execute(tx, `update mm_orders set undone_at = ${tx.dialect.now} where id = ?`, [open.id]);
    return open.id;
  });
}

/** The open orders to this master in this incarnation, oldest first. */
export async function openOrders(connection: Connection, lease: Lease): Promise<OpenOrder[]> {
  const rows = await queryRows<{
    id: number;
    kind: OrderKind;
    role: string | null;
    builder_sets: string | null;
    dry_run: number | null;
    reason: string;
    ordered_by: string;
    deadline_in: number | null;
    undone: number;
  }>(
    connection,
    `select id, kind, role, builder_sets, r.dry_run, reason, ordered_by,
       deadline_at - ${connection.dialect.now} as deadline_in, case when undone_at is null then 0 else 1 end as undone
     from mm_orders left join mm_reconfigs r on r.orderid = mm_orders.id where masterid = ? and epoch = ? and ended_at is null order by id`,
    [lease.masterid, lease.epoch],
  );
  return rows.map((row) => ({
    orderid: row.id,
    kind: row.kind,
    role: row.role,
    builderSets: row.builder_sets === null ? null : (JSON.parse(row.builder_sets) as string[]),
    dryRun: row.dry_run === 1,
    reason: row.reason,
    orderedBy: row.ordered_by,
    deadlineIn: row.deadline_in,
    undone: row.undone === 1,
  }));
}

/** Figures of a drain, by column of `mm_orders`. */
export type OrderFigures = Partial<
  Record<
    | "requests_pending"
    | "requests_running"
    | "requests_finished"
    | "requests_retried"
    | "requests_lost"
    | "builds_left"
    | "workers_before"
    | "workers_left"
    | "singletons_before"
    | "singletons_left",
    number
  >
>;

/** Notes how far an open order is. The first note says that it was begun. False when it had ended. */
export async function noteProgress(connection: Connection, orderid: number, figures: OrderFigures): Promise<boolean> {
  const names = Object.keys(figures);
  const changed = await execute(
    connection,
    `update mm_orders set began_at = coalesce(began_at, ${connection.dialect.now})${names.map((name) => `, ${name} = ?`).join("")}
     where id = ? and ended_at is null`,
    [...Object.values(figures), orderid],
  );
  return changed > 0;
}

/**
 * Ends an order with its report. Not fenced: the last thing that a master reports is that it has left. False when the
 * order had ended, or when the drain that was being undone has just been ordered again.
 */
export async function endOrder(
  connection: Connection,
  orderid: number,
  outcome: OrderOutcome,
  { detail = null, figures = {} }: { detail?: string | null; figures?: OrderFigures } = {},
): Promise<boolean> {
  const names = Object.keys(figures);
  const changed = await execute(
    connection,
    `update mm_orders set ended_at = ${connection.dialect.now}, outcome = ?, detail = ?${names.map((name) => `, ${name} = ?`).join("")}
     where id = ? and ended_at is null${outcome === "undone" ? " and undone_at is not null" : ""}`,
    [outcome, detail, ...Object.values(figures), orderid],
  );
  return changed > 0;
}

/** What a new config has changed, or would change. */
export interface ReconfigReport {
  /** As JSON. */
  readonly changes: string;
  readonly before: string;
  readonly after: string;
}

/** Notes what an open order of a new config has found, before it ends. */
export async function noteReconfig(
  connection: Connection,
  orderid: number,
  { changes, before, after }: ReconfigReport,
): Promise<void> {
  await execute(connection, "update mm_reconfigs set changes = ?, hash_before = ?, hash_after = ? where orderid = ?", [
    changes,
    before,
    after,
    orderid,
  ]);
}

/** How long a master that has left may take to write its report. */
const lastWordsSeconds = 15;

/** Ends orders to masters that have gone without a report; returns their ids. Every master's eviction loop calls this. */
export async function endAbandonedOrders(connection: Connection): Promise<number[]> {
  const rows = await queryRows<{ id: number }>(
    connection,
    `update mm_orders set ended_at = ${connection.dialect.now}, outcome = 'lost', detail = 'the master ended without a report'
     where ended_at is null and not exists (
       select 1 from mm_leases l where l.masterid = mm_orders.masterid and l.epoch = mm_orders.epoch
         and coalesce(l.buried_at, l.ended_at, ${connection.dialect.now}) > ${connection.dialect.now} - ${lastWordsSeconds})
     returning id`,
  );
  return rows.map((row) => row.id);
}

/** What this master now has to do, as others see it. Fenced. */
export async function setRoles(
  connection: Connection,
  lease: Lease,
  roles: readonly string[],
  builderSets: readonly string[],
): Promise<void> {
  const sql = `update mm_leases set roles = ?, builder_sets = ? where ${leaseIsHeld}`;
  const bindings = [JSON.stringify(roles), JSON.stringify(builderSets), lease.masterid, lease.epoch];
  if ((await execute(connection, sql, bindings)) === 0) throw new LeaseLost(lease);
}
