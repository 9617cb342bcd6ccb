import type { Json } from "@multimaster/core";
import { queryRows, workersConfiguredWhere } from "@multimaster/database";
import type { z } from "zod";
import { defineResource, type ReadContext } from "../model/define-resource.ts";
import { bool, datetime, entity, integer, jsonObject, text, wholeSecondsOrNull } from "../model/field-kinds.ts";
import { columnOf } from "../model/table-beside.ts";
import { groupValues } from "../read/group-values.ts";
import { loadConfiguredOn } from "./configured-on.ts";

const masterId = entity("master_id", { masterid: integer });
const masterBuilder = entity("master_builder", { masterid: integer, builderid: integer });

/** What Buildbot's schema does not say about a worker. */
const lives = { name: "mm_worker_lives", key: "workerid" };
const life = (column: string) => columnOf(lives, column);
const sqlBeside = (sql: string) => ({ sql, beside: lives, isOwn: true });
/** Another program may have resumed the worker without these columns. */
const whilePaused = (column: string) => `case when w.paused <> 0 then ${lives.name}.${column} end`;
const ofAbsence = (column: "began_at" | "missing_at") => ({
  sql: `(select a.${column} from mm_worker_absences a where a.workerid = w.id and a.kind = 'away' and a.ended_at is null)`,
  isOwn: true,
});

const configured = (condition: string) => `w.id in ${workersConfiguredWhere(condition)}`;
const lists = [
  ["", undefined],
  ["masters/n:masterid/", configured("bm.masterid = :masterid")],
  ["masters/n:masterid/builders/n:builderid/", configured("bm.masterid = :masterid and bm.builderid = :builderid")],
  ["builders/n:builderid/", configured("bm.builderid = :builderid")],
] as const;

/**
 * A machine that runs the steps of builds. Below a master or builder its lists are limited to that one; in long lists
 * `configured_on` is shortened, see configured-on.ts.
 */
export const workers = defineResource({
  name: "worker",
  plural: "workers",
  rights: { isNamed: true, needs: [] },
  rootLink: true,
  id: "workerid",
  from: "workers w",
  fields: {
    workerid: { schema: integer, sql: "w.id" },
    name: { schema: text, sql: "w.name" },
    connected_to: { schema: masterId.array(), sql: "w.id", load: loadConnections, empty: [] },
    configured_on: { schema: masterBuilder.array(), sql: "w.id", load: loadConfiguredOn, empty: [] },
    workerinfo: { schema: jsonObject, sql: "w.info", read: parseInfo },
    paused: { schema: bool, sql: "w.paused <> 0" },
    pause_reason: { schema: text.nullable(), sql: "w.pause_reason" },
    graceful: { schema: bool, sql: "w.graceful <> 0" },
    /** From the config. */
    owner: { schema: text.nullable(), ...life("owner") },
    /** A user's, or else the config's. */
    note: { schema: text.nullable(), ...sqlBeside(`coalesce(${lives.name}.note, ${lives.name}.config_note)`) },
    note_by: { schema: text.nullable(), isDetail: true, ...life("note_by") },
    note_at: { schema: datetime.nullable(), isDetail: true, ...life("note_at"), read: wholeSecondsOrNull },
    paused_by: { schema: text.nullable(), ...sqlBeside(whilePaused("paused_by")) },
    paused_at: {
      schema: datetime.nullable(),
      ...sqlBeside(whilePaused("paused_at")),
      read: wholeSecondsOrNull,
    },
    /** Builds in a row that failed because of the worker. */
    failures: { schema: integer, isDetail: true, ...sqlBeside(`coalesce(${lives.name}.failures, 0)`) },
    last_failure: { schema: text.nullable(), isDetail: true, ...life("last_failure") },
    /** Why it would be quarantined if another worker could take its builds. */
    suspicion: { schema: text.nullable(), ...life("suspicion") },
    /** Then it is paused, too, until a user resumes it or a build that is tried on it does not fail because of it. */
    quarantined_at: {
      schema: datetime.nullable(),
      ...sqlBeside(whilePaused("quarantined_at")),
      read: wholeSecondsOrNull,
    },
    quarantine_reason: { schema: text.nullable(), isDetail: true, ...sqlBeside(whilePaused("quarantine_reason")) },
    /** From when on one build is tried on it; null: a user has to resume it. */
    probation_at: { schema: datetime.nullable(), ...sqlBeside(whilePaused("probation_at")), read: wholeSecondsOrNull },
    /** Since when it is attached to no master. Null: it is attached, or never was. */
    away_since: { schema: datetime.nullable(), ...ofAbsence("began_at"), read: wholeSecondsOrNull },
    /** When that was reported because it lasts longer than the worker's `missingTimeout`. */
    missing_since: { schema: datetime.nullable(), ...ofAbsence("missing_at"), read: wholeSecondsOrNull },
  },
  order: ["workerid"],
  paths: lists.flatMap(([prefix, where]) => {
    const and = where === undefined ? "" : ` and ${where}`;
    return [
      { pattern: `${prefix}workers`, kind: "collection", ...(where === undefined ? {} : { where }) },
      { pattern: `${prefix}workers/n:workerid`, kind: "single", where: `w.id = :workerid${and}` },
      { pattern: `${prefix}workers/i:name`, kind: "single", where: `w.name = :name${and}` },
    ] as const;
  }),
  events: {
    names: {
      connected: "Pages show it; without it, at their next read.",
      disconnected: "Pages show it; without it, at their next read.",
      missing: "Reporters and pages show it; without it, at their next read. Published once for each absence.",
      state_updated:
        "The engine that has the worker reads whether it is paused or graceful; without it, when it next polls.",
    },
    topics: ["workers/:workerid"],
    facts: { missing: { last_connection: text, notify: text.array() } },
    ids: ["masterid"],
    payload: (_event, item, facts) => ({ ...item, ...facts }),
  },
});

export type Worker = z.output<typeof workers.schema>;

function parseInfo(value: unknown): Json {
  try {
    return JSON.parse(String(value)) as Json;
  } catch {
    return {};
  }
}

async function loadConnections(
  context: ReadContext,
  keys: readonly number[],
): Promise<Map<number, { masterid: number }[]>> {
  const wanted = context.connection.dialect.isOneOf("workerid", keys);
  const masterid = context.params["masterid"];
  const rows = await queryRows<{ workerid: number; masterid: number }>(
    context.connection,
    `select workerid, masterid from connected_workers where ${wanted.sql}
       ${masterid === undefined ? "" : "and masterid = ?"} order by workerid, masterid`,
    masterid === undefined ? wanted.bindings : [...wanted.bindings, masterid],
  );
  return groupValues(rows.map((row) => [row.workerid, { masterid: row.masterid }]));
}
