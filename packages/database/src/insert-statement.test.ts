import { expect, it } from "vitest";
import { writeInsert } from "./insert-statement.ts";
import { SqlExpression } from "./sql.ts";

it("rows become one statement, with what the database computes inside it", () => {
  const rows = [
    { id: 1, made_at: new SqlExpression("now()") },
    { id: 2, made_at: null },
  ];
  expect(writeInsert("t", rows)).toEqual({
    sql: 'insert into "t" ("id", "made_at") values (?, now()), (?, ?)',
    bindings: [1, 2, null],
  });
  expect(() => writeInsert("t", [{ id: 1 }, { id: 2, name: "x" }])).toThrow("differ in their columns");
});
