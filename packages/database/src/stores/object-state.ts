import { type Json, pythonJson } from "@multimaster/core";
import type { Connection } from "../connection.ts";
import { insertIgnore, queryRows, upsert } from "../dialect.ts";
import { longest, truncateText } from "./column-text.ts";
import { hashColumns } from "./hash.ts";

/** A value that something keeps from one run to the next (docs/spec/database.md §3, tables objects and object_state). */
export interface StateName {
  object: string;
  className: string;
  name: string;
}

/** The name of an object in its row: Buildbot's rule for names that are longer than the column. */
export function objectName(name: string): string {
  const clean = truncateText(name, longest.name);
  return [...clean].length <= 128 ? clean : truncateText(clean, 64) + hashColumns(clean);
}

/** The saved value, or undefined when there is none or it is no JSON. */
export async function getObjectState(connection: Connection, state: StateName): Promise<Json | undefined> {
  const rows = await queryRows<{ value_json: string }>(
    connection,
    `select s.value_json from object_state s join objects o on o.id = s.objectid
      where o.name = ? and o.class_name = ? and s.name = ?`,
    [objectName(state.object), truncateText(state.className, 128), truncateText(state.name, 255)],
  );
  if (!rows[0]) return undefined;
  try {
    return JSON.parse(rows[0].value_json) as Json;
  } catch {
    return undefined;
  }
}

/** Saves a value, making its holder when need be. */
export async function setObjectState(tx: Connection, state: StateName, value: Json): Promise<void> {
  const name = objectName(state.object);
  const className = truncateText(state.className, 128);
  await insertIgnore(tx, {
    table: "objects",
    rows: [{ name, class_name: className }],
    conflict: ["name", "class_name"],
  });
  const [object] = await queryRows<{ id: number }>(tx, "select id from objects where name = ? and class_name = ?", [
    name,
    className,
  ]);
  await upsert(tx, {
    table: "object_state",
    rows: [{ objectid: object?.id, name: truncateText(state.name, 255), value_json: pythonJson(value) }],
    key: ["objectid", "name"],
  });
}
