import { type Connection, objectName, queryRows } from "@multimaster/database";
import { collapseProblemClass, collapseProblemName } from "../model/collapse-problem.ts";
import { because, type Reason } from "./reasons.ts";

/** Why more requests of a builder wait than should: those whose function of `collapseRequests` fails, by builder. */
export async function readCollapseProblems(
  connection: Connection,
  builderids: readonly number[],
): Promise<ReadonlyMap<number, readonly Reason[]>> {
  if (builderids.length === 0) return new Map();
  const wanted = connection.dialect.isOneOf("id", builderids);
  const builders = await queryRows<{ id: number; name: string }>(
    connection,
    `select id, name from builders where ${wanted.sql}`,
    wanted.bindings,
  );
  // A long name has another form there.
  const byObject = new Map(builders.map((builder) => [objectName(builder.name), builder]));
  const named = connection.dialect.isOneOf("o.name", [...byObject.keys()]);
  const rows = await queryRows<{ object: string; value: string }>(
    connection,
    `select o.name as object, s.value_json as value from objects o join object_state s on s.objectid = o.id
      where o.class_name = ? and s.name = ? and s.value_json <> 'null' and ${named.sql}`,
    [collapseProblemClass, collapseProblemName, ...named.bindings],
  );
  return new Map(
    rows.flatMap(({ object, value }) => {
      const builder = byObject.get(object);
      if (!builder) return [];
      const { id, name } = builder;
      const problem = String(JSON.parse(value));
      const sentence = `Requests of ${name} do not collapse: ${problem}.`;
      return [[id, [because("not_collapsed", sentence, { builder: name, problem })]] as const];
    }),
  );
}
