import { queryRows } from "@multimaster/database";
import type { AnyResource, ReadContext } from "../model/define-resource.ts";
import { equals } from "../model/query.ts";
import { findItems } from "../read/read-items.ts";

/** So many of the newest changes are searched, so that a search costs the same however many there are. */
const mostSearched = 10_000;
const mostFound = 500;

/**
 * Changes whose author, message, branch, revision or project contains a text, in any case, among the newest; and those of exactly this
 * revision, however old they are.
 */
export function searchChanges(changes: () => AnyResource) {
  return async ({ connection, params, filters, pathKind }: ReadContext): Promise<readonly object[]> => {
    const text = String(params["text"]).toLowerCase();
    const parts = ["author", "comments", "branch", "revision", "project"].map((column) => `coalesce(c.${column}, '')`);
    const has = connection.dialect.contains(`lower(${parts.join(" || ' ' || ")})`, text);
    const rows = await queryRows<{ changeid: number }>(
      connection,
      `select c.changeid from (
         select changeid, author, comments, branch, revision, project from changes order by changeid desc limit ${mostSearched}) c
        where ${has.sql} order by c.changeid desc limit ${mostFound}`,
      has.bindings,
    );
    const exact = await queryRows<{ changeid: number }>(
      connection,
      `select changeid from changes where revision = ? order by changeid desc limit ${mostFound}`,
      [params["text"]],
    );
    const ids = [...new Set([...exact, ...rows].map(({ changeid }) => changeid))];
    if (ids.length === 0) return [];
    const found = await findItems(
      changes(),
      connection,
      { filters: [equals("changeid", ...ids), ...filters] },
      pathKind ? { path: { pattern: "changes", kind: pathKind } } : {},
    );
    return found?.rows ?? [];
  };
}
