import { createRequire } from "node:module";
import type BetterSqlite3 from "better-sqlite3";

const require = createRequire(import.meta.url);
const isOldNode = Number(process.versions.node.split(".")[0]) < 22;

/**
 * Loads the SQLite library for this Node, at its first use. Version 13 brings its binaries and needs Node 22. Version 12 is
 * the last one for Node 20; since Node 24.19 the garbage collector ends a process that uses it.
 */
export function loadSqlite(): typeof BetterSqlite3 {
  return isOldNode ? require("better-sqlite3-node20") : require("better-sqlite3");
}

/** What every SQLite connection is set to. The short timeout is all that a busy file may stop the event loop: most writes are shorter. */
export function prepareSqlite(connection: BetterSqlite3.Database, busyTimeoutMs = 2): void {
  // Only a new file can be made so: pages that retention frees go back to the file system, and not only to later rows.
  if (connection.pragma("page_count", { simple: true }) === 0) connection.pragma("auto_vacuum = INCREMENTAL");
  connection.pragma(`busy_timeout = ${busyTimeoutMs}`);
  connection.pragma("journal_mode = WAL");
  connection.pragma("synchronous = NORMAL");
  // Buildbot does not enforce foreign keys on SQLite; we rely on their cascades.
  connection.pragma("foreign_keys = ON");
}
