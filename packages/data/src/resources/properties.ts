import type { SourcedProperties } from "@multimaster/core";
import { queryRows } from "@multimaster/database";
import { defineResource, type ReadContext } from "../model/define-resource.ts";
import { bindParams } from "../read/select.ts";
import { buildPaths } from "./build-paths.ts";
import { readBuildProperties } from "./build-properties.ts";
import { readBuildsetProperties } from "./buildset-properties.ts";

/** Properties as one object, name to `[value, source]`; empty when there are none. */
export const properties = defineResource({
  name: "sourcedproperties",
  plural: "properties",
  rights: { needs: [] },
  id: "",
  fields: {},
  paths: [
    {
      pattern: "buildsets/n:bsid/properties",
      kind: "single",
      rows: async (context) => {
        const bsid = context.params["bsid"] as number;
        return [(await readBuildsetProperties(context, [bsid])).get(bsid) ?? {}];
      },
    },
    ...buildPaths
      .filter(({ prefix }) => !prefix.startsWith("builders/s:"))
      .map(
        ({ prefix, build }) =>
          ({
            pattern: `${prefix}/properties`,
            kind: "single",
            rows: async (context: ReadContext) => [await readOfBuild(context, build)],
          }) as const,
      ),
    // Buildbot lacks this one, though its own page of pending requests asks for it (docs/spec/web-contract.md §11.11).
    {
      pattern: "buildrequests/n:buildrequestid/properties",
      kind: "single",
      rows: async (context) => {
        const [row] = await queryRows<{ buildsetid: number }>(
          context.connection,
          "select buildsetid from buildrequests where id = cast(? as bigint)",
          [context.params["buildrequestid"]],
        );
        return row && [(await readBuildsetProperties(context, [row.buildsetid])).get(row.buildsetid) ?? {}];
      },
    },
  ],
});

async function readOfBuild(context: ReadContext, build: string): Promise<SourcedProperties> {
  const where = bindParams(build, context.params);
  const [row] = await queryRows<{ id: number }>(
    context.connection,
    `select b.id from builds b where ${where.sql}`,
    where.bindings,
  );
  return (row && (await readBuildProperties(context, [row.id])).get(row.id)) ?? {};
}
