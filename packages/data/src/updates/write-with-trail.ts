import type { Connection, Database } from "@multimaster/database";
import type { Trail } from "../model/actor.ts";

/** Writes, and writes the audit row if anything changed, in one transaction. */
export function writeWithTrail(
  database: Database,
  write: (tx: Connection) => Promise<boolean>,
  trail: Trail | undefined,
): Promise<boolean> {
  if (trail === undefined) return write(database);
  return database.transaction(async (tx) => {
    const isWritten = await write(tx);
    if (isWritten) await trail(tx);
    return isWritten;
  });
}
