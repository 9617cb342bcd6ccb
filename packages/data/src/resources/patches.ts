import { queryRows } from "@multimaster/database";
import type { z } from "zod";
import type { ReadContext } from "../model/define-resource.ts";
import { binary, entity, integer, shownNullable, text } from "../model/field-kinds.ts";

/** A difference to apply to a source stamp. It has no path of its own, and its bytes are not JSON: `body` is null. */
export const patch = entity("patch", {
  patchid: integer,
  body: binary,
  level: integer,
  subdir: shownNullable(text.nullable(), false),
  author: text,
  comment: text,
});

export type Patch = z.output<typeof patch>;

export async function loadPatches(context: ReadContext, keys: readonly number[]): Promise<Map<number, Patch>> {
  const wanted = context.connection.dialect.isOneOf("id", keys);
  const rows = await queryRows<Omit<Patch, "body">>(
    context.connection,
    `select id as patchid, patchlevel as level, subdir, patch_author as author, patch_comment as comment
       from patches where ${wanted.sql}`,
    wanted.bindings,
  );
  return new Map(rows.map((row) => [row.patchid, { ...row, body: null }]));
}
