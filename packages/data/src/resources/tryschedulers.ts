import { queryRows } from "@multimaster/database";
import type { z } from "zod";
import { defineResource, plainFields, type ReadContext } from "../model/define-resource.ts";
import { bool, identifier, integer, jsonObject, text } from "../model/field-kinds.ts";

const spec = {
  builder_names: identifier(70).array(),
  /** What its source stamps have; a try may name another branch, but no other repository. */
  codebase: text,
  repository: text,
  project: text,
  /** The branch if a try names none. */
  branch: text.nullable(),
  /** Largest difference in bytes. */
  max_patch_size: integer,
  /** Set for each of its builds. A try cannot set them otherwise. */
  properties: jsonObject,
  priority: integer,
};

const shape = { name: identifier(50), enabled: bool, ...spec };

/** What a scheduler for tries publishes of itself. */
export type TrySpec = z.output<z.ZodObject<typeof spec>>;
export type TryScheduler = z.output<z.ZodObject<typeof shape>>;

/** Builds a user's difference before it is in a repository. Its scheduler's master publishes it, so any UI master handles a try. */
export const tryschedulers = defineResource({
  name: "tryscheduler",
  plural: "tryschedulers",
  rights: { isNamed: true, needs: [] },
  id: "name",
  fields: plainFields(shape),
  rows: readTrySchedulers,
  paths: [
    { pattern: "tryschedulers", kind: "collection" },
    {
      pattern: "tryschedulers/s:name",
      kind: "single",
      rows: async (context) => (await readTrySchedulers(context)).filter(({ name }) => name === context.params["name"]),
    },
  ],
});

/** Only those that a master runs: one that was removed from the config keeps its row and accepts nothing. */
async function readTrySchedulers({ connection }: ReadContext): Promise<TryScheduler[]> {
  const rows = await queryRows<{ name: string; enabled: number; spec: string }>(
    connection,
    `select s.name, coalesce(s.enabled, 1) as enabled, t.spec from mm_try_schedulers t
       join schedulers s on s.id = t.schedulerid
      where exists (select 1 from scheduler_masters m where m.schedulerid = s.id) order by s.name`,
  );
  return rows.map(({ name, enabled, spec }) => ({ name, enabled: enabled !== 0, ...(JSON.parse(spec) as TrySpec) }));
}
