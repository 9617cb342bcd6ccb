import { type Connection, queryRows } from "@multimaster/database";
import { collapseProblemClass, collapseProblemName } from "../model/collapse-problem.ts";
import { because, type Reason } from "./reasons.ts";

/** Why more requests of a builder wait than should: those whose function of `collapseRequests` fails, by builder. */
export async function readCollapseProblems(
  connection: Connection,
  builderids: readonly number[],
): Promise<ReadonlyMap<number, readonly Reason[]>> {
  if (builderids.length === 0) return new Map();
  const wanted = connection.dialect.isOneOf("b.id", builderids);
  const rows = await queryRows<{ id: number; name: string; value: string }>(
    connection,
    `select b.id, b.name, s.value_json as value from objects o join object_state s on s.objectid = o.id
       join builders b on b.name = o.name
      where o.class_name = ? and s.name = ? and s.value_json <> 'null' and ${wanted.sql}`,
    [collapseProblemClass, collapseProblemName, ...wanted.bindings],
  );
  return new Map(
    rows.map(({ id, name, value }) => {
      const problem = String(JSON.parse(value));
      const sentence = `Requests of ${name} do not collapse: ${problem}.`;
      return [id, [because("not_collapsed", sentence, { builder: name, problem })]];
    }),
  );
}
