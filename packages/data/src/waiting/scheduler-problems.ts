import { queryRows } from "@multimaster/database";
import type { ReadContext } from "../model/define-resource.ts";
import { schedulerProblemClass } from "../model/scheduler-problem.ts";

/** What keeps schedulers from building, by their names. */
export async function readSchedulerProblems({ connection }: ReadContext): Promise<ReadonlyMap<string, string>> {
  const rows = await queryRows<{ name: string; value: string }>(
    connection,
    `select o.name, s.value_json as value from objects o join object_state s on s.objectid = o.id
      where o.class_name = ? and s.name = 'problem'`,
    [schedulerProblemClass],
  );
  return new Map(
    rows.flatMap(({ name, value }) => {
      const { problem } = (JSON.parse(value) as { problem?: string } | null) ?? {};
      return problem === undefined ? [] : [[name, problem]];
    }),
  );
}
