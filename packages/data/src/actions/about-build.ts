import { askerOfRequest, type Connection, queryRows } from "@multimaster/database";
import type { Prepared } from "./action.ts";

/** What rules may ask of a build or a build request: its builder's name, and who asked for it. */
export function aboutBuild(
  connection: Connection,
  { builderid, buildrequestid }: { readonly builderid: number; readonly buildrequestid: number },
): NonNullable<Prepared["about"]> {
  return async () => {
    const [rows, owner] = await Promise.all([
      queryRows<{ name: string }>(connection, "select name from builders where id = ?", [builderid]),
      askerOfRequest(connection, buildrequestid),
    ]);
    return { builders: rows.map(({ name }) => name), owner };
  };
}
