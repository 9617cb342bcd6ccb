import { queryRows } from "@multimaster/database";
import type { AnyResource, ReadContext } from "../../model/define-resource.ts";
import { equals } from "../../model/query.ts";
import { findItems } from "../../read/read-items.ts";

/** So many of the newest builds of a line are read. */
const mostBuilds = 500;

/** Builds of a builder and branch that passed or failed, of the newest sources. */
export function listBuildsOfLine(builds: () => AnyResource) {
  return async ({ connection, params, properties, filters }: ReadContext): Promise<readonly object[]> => {
    const rows = await queryRows<{ buildid: number }>(
      connection,
      `select n.buildid from mm_line_builds n where n.lineid = cast(? as bigint)
        order by n.position desc, n.buildid desc limit ${mostBuilds}`,
      [params["lineid"]],
    );
    if (rows.length === 0) return [];
    const found = await findItems(builds(), connection, {
      filters: [equals("buildid", ...rows.map(({ buildid }) => buildid)), ...filters],
      ...(properties ? { properties } : {}),
    });
    return found?.rows ?? [];
  };
}
