import { publishedSchedulers, queryRows } from "@multimaster/database";
import type { z } from "zod";
import { defineResource, plainFields, type ReadContext } from "../model/define-resource.ts";
import { bool, identifier, text } from "../model/field-kinds.ts";
import { formField } from "./form-field.ts";

const shape = {
  name: identifier(50),
  button_name: text,
  label: text,
  builder_names: identifier(50).array(),
  enabled: bool,
  all_fields: formField.array(),
};

export type ForceScheduler = z.output<z.ZodObject<typeof shape>>;

/** A form by which people ask for builds. Its scheduler's master publishes it, so any UI master can show and check it. */
export const forceschedulers = defineResource({
  name: "forcescheduler",
  plural: "forceschedulers",
  rights: { isNamed: true, needs: [] },
  rootLink: true,
  id: "name",
  fields: plainFields(shape),
  rows: readForceSchedulers,
  paths: [
    { pattern: "forceschedulers", kind: "collection" },
    {
      pattern: "forceschedulers/i:schedulername",
      kind: "single",
      rows: async (context) => {
        const all = await readForceSchedulers(context);
        return all.filter(({ name }) => name === context.params["schedulername"]);
      },
    },
    { pattern: "builders/:builderid/forceschedulers", kind: "collection", rows: readOfBuilder },
  ],
});

async function readForceSchedulers({ connection }: ReadContext): Promise<ForceScheduler[]> {
  const rows = await queryRows<{ name: string; enabled: number; spec: string }>(
    connection,
    `select s.name, coalesce(s.enabled, 1) as enabled, p.form as spec from ${publishedSchedulers} p
       join schedulers s on s.id = p.schedulerid where p.form is not null order by s.name`,
  );
  return rows.map(({ name, enabled, spec }) => {
    const form = JSON.parse(spec) as Partial<ForceScheduler>;
    return {
      name,
      button_name: form.button_name ?? name,
      label: form.label ?? name,
      builder_names: form.builder_names ?? [],
      enabled: enabled !== 0,
      all_fields: form.all_fields ?? [],
    };
  });
}

/** The builder is named by its id or, beyond Buildbot, by its name. */
async function readOfBuilder(context: ReadContext): Promise<ForceScheduler[]> {
  const builder = String(context.params["builderid"]);
  const byId = /^\d{1,15}$/.test(builder);
  const [row] = await queryRows<{ name: string }>(
    context.connection,
    `select name from builders where ${byId ? "id = cast(? as bigint)" : "name = ?"}`,
    [byId ? Number(builder) : builder],
  );
  const all = await readForceSchedulers(context);
  return row ? all.filter(({ builder_names: names }) => names.includes(row.name)) : [];
}
