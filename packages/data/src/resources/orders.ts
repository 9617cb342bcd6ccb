import type { z } from "zod";
import { defineResource } from "../model/define-resource.ts";
import {
  bool,
  datetime,
  entity,
  identifier,
  integer,
  text,
  wholeSeconds,
  wholeSecondsOrNull,
} from "../model/field-kinds.ts";
import { columnOf } from "../model/table-beside.ts";

const seconds = (column: string) => ({
  schema: datetime.nullable(),
  sql: `o.${column}`,
  read: wholeSecondsOrNull,
});

const count = (sql: string) => ({ schema: integer.nullable(), sql });

/** What a drain could not hand over, since the end of it. */
const drainWarnings = { name: "mm_drain_warnings", key: "orderid" };
const stranded = (what: "requests" | "singletons") => `coalesce(${drainWarnings.name}.${what}_stranded, 0)`;
const countBeside = (sql: string) => ({ ...count(sql), beside: drainWarnings });

/** What a new config says otherwise of a named thing. */
const configChange = entity("config_change", {
  /** `added`, `changed` or `removed`. */
  change: identifier(8),
  kind: text,
  name: text,
  /** It is written as before, but its functions may do otherwise. */
  by_code: bool,
});
/** As it is stored in an order. */
export type StoredConfigChange = z.output<typeof configChange>;

const newConfig = { name: "mm_reconfigs", key: "orderid" };

/** A command to a master: to drain, to add a role, or to take over a new config. The order of a drain also shows its progress and its report. */
export const orders = defineResource({
  name: "order",
  plural: "orders",
  rights: { isNamed: true, needs: ["masters"] },
  id: "orderid",
  from: "mm_orders o join masters m on m.id = o.masterid",
  fields: {
    orderid: { schema: integer, sql: "o.id" },
    masterid: { schema: integer, sql: "o.masterid" },
    master: { schema: text, sql: "m.name" },
    /** `drain`, `add` or `reconfig`. */
    kind: { schema: identifier(8), sql: "o.kind" },
    /** Null: the whole master. */
    role: { schema: identifier(32).nullable(), sql: "o.role" },
    /** `ordered`, `draining`, `undoing`, or how it ended: `done`, `undone`, `failed`, `lost`. */
    state: {
      schema: identifier(8),
      sql: `case when o.ended_at is not null then o.outcome when o.undone_at is not null then 'undoing'
              when o.began_at is not null then 'draining' else 'ordered' end`,
    },
    /** Why it failed, in a sentence. */
    detail: { schema: text.nullable(), sql: "o.detail" },
    /** What no other master can take from the one that drains, in sentences. */
    warning: { schema: text.nullable(), ...columnOf(drainWarnings, "warning") },
    /** Of a new config: what would change is only shown. */
    dry_run: { schema: bool, ...columnOf(newConfig, "dry_run"), sql: `coalesce(${newConfig.name}.dry_run, 0) = 1` },
    /** What the new config changed, or would change; null: of another order, or it has not ended well. */
    changes: {
      schema: configChange.array().nullable(),
      ...columnOf(newConfig, "changes"),
      read: (value) => (value === null ? null : (JSON.parse(String(value)) as StoredConfigChange[])),
    },
    /** Hashes of the config's files before and after it. */
    config_before: { schema: identifier(64).nullable(), ...columnOf(newConfig, "hash_before") },
    config_after: { schema: identifier(64).nullable(), ...columnOf(newConfig, "hash_after") },
    reason: { schema: text, sql: "o.reason" },
    ordered_by: { schema: text, sql: "o.ordered_by" },
    ordered_at: { schema: datetime, sql: "o.ordered_at", read: wholeSeconds },
    deadline_at: seconds("deadline_at"),
    began_at: seconds("began_at"),
    ended_at: seconds("ended_at"),
    /** Before the drain: requests that waited for this master's builders, and those that it was working on. */
    requests_pending: count("o.requests_pending"),
    requests_running: count("o.requests_running"),
    /** Of those it worked on: ended by it, released to be run again, and neither (never expected). */
    requests_finished: count("o.requests_finished"),
    requests_retried: count("o.requests_retried"),
    requests_lost: count("o.requests_lost"),
    /** Of those that waited: left to other masters, and left waiting because no other master has their builders. */
    requests_handed_over: countBeside(
      `case when o.ended_at is null then null when o.requests_pending > ${stranded("requests")}
        then o.requests_pending - ${stranded("requests")} when o.requests_pending is not null then 0 end`,
    ),
    requests_stranded: countBeside(`case when o.ended_at is not null then ${stranded("requests")} end`),
    builds_left: count("o.builds_left"),
    workers_before: count("o.workers_before"),
    workers_left: count("o.workers_left"),
    /** Schedulers and change sources. */
    singletons_before: count("o.singletons_before"),
    singletons_left: count("o.singletons_left"),
    /** Of them: no other master can take them. */
    singletons_stranded: countBeside(`case when o.ended_at is not null then ${stranded("singletons")} end`),
  },
  order: ["orderid"],
  paths: [
    { pattern: "orders", kind: "collection" },
    { pattern: "orders/n:orderid", kind: "single", where: "o.id = :orderid" },
    { pattern: "masters/n:masterid/orders", kind: "collection", where: "o.masterid = :masterid" },
  ],
  events: {
    names: {
      new: "Pages of the cluster show it; the master it is for gets a control message beside it.",
      update: "Pages show how far it is; without it, at their next read.",
      ended: "Pages show its report; without it, at their next read.",
    },
    topics: ["orders/:orderid"],
  },
});

export type Order = z.output<typeof orders.schema>;
