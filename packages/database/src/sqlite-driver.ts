import { createRequire } from "node:module";
import type BetterSqlite3 from "better-sqlite3";

const require = createRequire(import.meta.url);
const isOldNode = Number(process.versions.node.split(".")[0]) < 22;

/**
 * The SQLite library for this Node. Version 13 brings its binaries and needs Node 22. Version 12 is the last one for Node 20;
 * since Node 24.19 the garbage collector ends a process that uses it.
 */
export const SqliteDatabase: typeof BetterSqlite3 = isOldNode
  ? require("better-sqlite3-node20")
  : require("better-sqlite3");
