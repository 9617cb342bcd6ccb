import { type Database, execute, queryRows } from "@multimaster/database";
import { beforeAll, describe, expect, it } from "vitest";
import { newDatabase } from "../../../../test/harness/test-databases.ts";
import { findItems } from "../read/read-items.ts";
import { resources } from "../resources/registry.ts";
import { defineResource, type Field } from "./define-resource.ts";
import { bool, integer, text } from "./field-kinds.ts";
import { columnOf } from "./table-beside.ts";

const marks = { name: "mm_marks", key: "masterid" };

/** One of Buildbot's nouns with two fields that its table lacks. */
const markedMasters = defineResource({
  name: "marked_master",
  plural: "marked_masters",
  rights: { needs: [] },
  id: "masterid",
  from: "masters m",
  fields: {
    masterid: { schema: integer, sql: "m.id" },
    name: { schema: text, sql: "m.name" },
    mark: { schema: text.nullable(), ...columnOf(marks, "mark") },
    is_marked: { schema: bool, sql: "mm_marks.mark is not null", beside: marks },
  },
  paths: [],
});

describe("a field of our own on a noun of Buildbot's", () => {
  let database: Database;
  beforeAll(async () => {
    database = await newDatabase("sqlite");
    await execute(database, "create table mm_marks (masterid integer primary key references masters (id), mark text)");
    for (const id of [1, 2, 3])
      await execute(database, "insert into masters (id, name, name_hash, active, last_active) values (?, ?, ?, 1, 1)", [
        id,
        `m${id}`,
        `h${id}`,
      ]);
    await execute(database, "insert into mm_marks values (1, 'b'), (3, 'a')");
  });

  it("is read, filtered and ordered by, and null where the table has no row", async () => {
    const all = await findItems(markedMasters, database, { order: ["-mark"] });
    expect(all?.rows.map(({ name, mark, is_marked }) => [name, mark, is_marked])).toEqual([
      ["m1", "b", true],
      ["m3", "a", true],
      ["m2", null, false],
    ]);
    const marked = await findItems(markedMasters, database, {
      filters: [{ field: "is_marked", operator: "eq", values: [false] }],
    });
    expect(marked?.rows.map(({ masterid }) => masterid)).toEqual([2]);
  });

  it("is of a table that has one row for an object at most: its key is the primary key", async () => {
    const tables = new Map(
      resources.flatMap(({ fields }) =>
        Object.values(fields as Readonly<Record<string, Field>>).flatMap(({ beside }) =>
          beside ? [[beside.name, beside.key] as const] : [],
        ),
      ),
    );
    expect([...tables.keys()]).toContain("mm_long_tests");
    for (const [name, key] of tables) {
      const columns = await queryRows<{ name: string; pk: number }>(database, `pragma table_info(${name})`);
      expect(columns.flatMap((column) => (column.pk > 0 ? column.name : []))).toEqual([key]);
    }
  });
});
