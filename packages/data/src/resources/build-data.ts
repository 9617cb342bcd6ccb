import { createHash } from "node:crypto";
import { queryRows } from "@multimaster/database";
import { attachment } from "../model/attachment.ts";
import { defineResource, type RawAnswer, type ReadContext } from "../model/define-resource.ts";
import { binary, integer, text } from "../model/field-kinds.ts";
import { bindParams } from "../read/select.ts";
import { buildIds, buildPaths } from "./build-paths.ts";

/** Named bytes kept with a build; the bytes themselves are at `/value`. */
export const buildData = defineResource({
  name: "build_data",
  plural: "build_data",
  rights: { isNamed: true, needs: ["builds"] },
  id: "name",
  from: "build_data bd",
  fields: {
    buildid: { schema: integer, sql: "bd.buildid" },
    name: { schema: text, sql: "bd.name" },
    length: { schema: integer, sql: "bd.length" },
    value: { schema: binary.nullable() },
    source: { schema: text, sql: "bd.source" },
  },
  order: ["buildid", "name"],
  paths: buildPaths.flatMap(({ prefix, build }) => {
    const where = `bd.buildid = ${buildIds(build)}`;
    const one = `${where} and bd.name = :name`;
    return [
      { pattern: `${prefix}/data`, kind: "collection", where },
      { pattern: `${prefix}/data/i:name`, kind: "single", where: one },
      { pattern: `${prefix}/data/i:name/value`, kind: "raw", open: (context: ReadContext) => openValue(context, one) },
    ] as const;
  }),
});

async function openValue({ connection, params }: ReadContext, condition: string): Promise<RawAnswer | undefined> {
  const where = bindParams(condition, params);
  const [row] = await queryRows<{ name: string; value: Buffer }>(
    connection,
    `select bd.name, bd.value from build_data bd where ${where.sql}`,
    where.bindings,
  );
  if (!row) return undefined;
  return {
    tag: createHash("sha1").update(row.value).digest("base64url"),
    size: async () => row.value.length,
    contentType: "application/octet-stream; charset=utf-8",
    disposition: attachment(row.name),
    body: (async function* () {
      yield Buffer.from(row.value);
    })(),
  };
}
