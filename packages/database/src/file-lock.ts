import { closeSync, openSync } from "node:fs";
import { errors } from "@multimaster/core";
import { loadSqlite } from "./sqlite-driver.ts";

export interface FileLock {
  release(): void;
}

/**
 * Makes this process the only master on a SQLite file. The lock is SQLite's own exclusive lock on an empty file beside
 * it, held open: the operating system drops it however the process ends, and readers of the real file are not hindered.
 * The empty file stays behind, since removing it would race with the next owner.
 */
export function lockSqliteFile(file: string): FileLock {
  const path = `${file}-master`;
  // SQLite would make it readable for everyone.
  closeSync(openSync(path, "a", 0o600));
  const lock = new (loadSqlite())(path, { timeout: 0 });
  try {
    lock.exec("BEGIN EXCLUSIVE");
  } catch (error) {
    lock.close();
    if (error instanceof Error && "code" in error && String(error.code).startsWith("SQLITE_BUSY"))
      throw errors.sqliteFileInUse(file);
    throw error;
  }
  return { release: () => lock.close() };
}
