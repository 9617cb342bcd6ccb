import type { Database } from "../connection.ts";
import { execute } from "../dialect.ts";

/** What a build's next lines may need. */
const fillerBytes = 32 * 1024;

/**
 * Writes as everything here writes, and leaves nothing behind; throws what the database refuses with. A row may find room
 * in pages that are there already, so the engine is asked for new space, too.
 */
export async function probeWrites(database: Database, masterid: number): Promise<void> {
  const own = [masterid];
  await database.transaction(async (tx) => {
    await execute(tx, "delete from mm_write_probes where masterid = ?", own);
    await execute(tx, "insert into mm_write_probes (masterid, filler) values (?, ?)", [
      masterid,
      Buffer.alloc(fillerBytes),
    ]);
    await execute(tx, "delete from mm_write_probes where masterid = ?", own);
    for (const statement of tx.dialect.spaceProbe) await tx.sql.run(statement);
  });
}
