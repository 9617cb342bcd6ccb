import type { Json } from "@multimaster/core";
import { queryRows, workersConfiguredWhere } from "@multimaster/database";
import type { z } from "zod";
import { defineResource, type ReadContext } from "../model/define-resource.ts";
import { bool, entity, integer, jsonObject, text } from "../model/field-kinds.ts";
import { groupValues } from "../read/group-values.ts";
import { loadConfiguredOn } from "./configured-on.ts";

const masterId = entity("master_id", { masterid: integer });
const masterBuilder = entity("master_builder", { masterid: integer, builderid: integer });

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
      missing: "Only Buildbot's masters publish it; pages show the worker again.",
      state_updated:
        "The engine that has the worker reads whether it is paused or graceful; without it, when it next polls.",
    },
    topics: ["workers/:workerid"],
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
