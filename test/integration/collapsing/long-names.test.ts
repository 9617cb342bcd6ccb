import { execute, hashColumns, queryRows } from "@multimaster/database";
import { expect, it } from "vitest";
import { readCollapseProblems } from "../../../packages/data/src/waiting/collapse-problems.ts";
import { startMasters } from "../../harness/masters-with-data.ts";
import { engines } from "../../harness/test-databases.ts";

it.each(engines)("why requests do not collapse is shown of builders of any name, on %s", async (engine) => {
  const masters = await startMasters(engine);
  const { updates } = await masters.join();
  // The names of objects have a column of 128 characters.
  const names = ["short", "l".repeat(128), "m".repeat(129), `${"ü".repeat(200)} 1`, `${"ü".repeat(200)} 2`];
  for (const name of names)
    await execute(masters.database, "insert into builders (name, name_hash) values (?, ?)", [name, hashColumns(name)]);
  for (const name of names) await updates.collapsing.setProblem(name, `it failed for ${name}`);
  const rows = await queryRows<{ id: number; name: string }>(masters.database, "select id, name from builders");
  const read = () =>
    readCollapseProblems(
      masters.database,
      rows.map(({ id }) => id),
    );
  const found = await read();
  for (const { id, name } of rows) expect(found.get(id)?.[0]?.sentence).toContain(`it failed for ${name}`);
  await updates.collapsing.setProblem(names[2] as string, null);
  expect((await read()).size).toBe(names.length - 1);
});
