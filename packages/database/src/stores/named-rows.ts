import type { Connection, Row } from "../connection.ts";
import { insertIgnore, queryRows } from "../dialect.ts";
import { longest, truncateText } from "./column-text.ts";
import { hashColumns } from "./hash.ts";

/** Tables whose rows are found by the hash of their name. */
export type NamedTable = "builders" | "schedulers" | "changesources" | "tags" | "projects";

const extraColumns: Partial<Record<NamedTable, (name: string) => Row>> = {
  projects: (name) => ({ slug: truncateText(name, 50) }),
};

/** Finds or creates rows by name; ids by name, and which names are new. Safe when several masters do it at the same time. */
export async function findOrCreateNamed(
  tx: Connection,
  table: NamedTable,
  names: readonly string[],
): Promise<{ ids: Map<string, number>; created: string[] }> {
  const hashes = new Map(names.map((name) => [hashColumns(truncateText(name, longest.name)), name]));
  const found = await findByHash(tx, table, [...hashes.keys()]);
  // In the order of the hash: masters that create the same rows in different orders would deadlock.
  const missing = [...hashes.keys()].filter((hash) => !found.has(hash)).sort();
  if (missing.length > 0) {
    const rows = missing.map((hash) => {
      const name = hashes.get(hash) as string;
      return { name: truncateText(name, longest.name), name_hash: hash, ...extraColumns[table]?.(name) };
    });
    await insertIgnore(tx, { table, rows, conflict: ["name_hash"] });
    for (const [hash, id] of await findByHash(tx, table, missing)) found.set(hash, id);
  }
  const ids = new Map([...hashes].map(([hash, name]) => [name, found.get(hash) as number]));
  return { ids, created: missing.map((hash) => hashes.get(hash) as string) };
}

async function findByHash(tx: Connection, table: NamedTable, hashes: readonly string[]): Promise<Map<string, number>> {
  const wanted = tx.dialect.isOneOf("name_hash", hashes);
  const rows = await queryRows<{ id: number; name_hash: string }>(
    tx,
    `select id, name_hash from ${table} where ${wanted.sql}`,
    wanted.bindings,
  );
  return new Map(rows.map((row) => [row.name_hash, row.id]));
}
