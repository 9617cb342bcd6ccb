import { chmodSync, closeSync, openSync, statSync } from "node:fs";
import { isOpenToOthers, type Logger } from "@multimaster/core";

/** The database and what SQLite and a master keep beside it. */
const endings = ["", "-wal", "-shm", "-journal", "-master", "-master-journal"];

/**
 * Keeps a database from other users of the machine: it holds logs, properties and hashes of sessions. A new one is made so;
 * SQLite gives the files beside it the same mode. One that is open to others is closed, and that is reported.
 */
export function closeToOthers(file: string, log: Logger): void {
  try {
    closeSync(openSync(file, "a", 0o600));
  } catch {
    // The error of opening it says better why it cannot be used; one that is read-only may still be read.
  }
  const opened = endings.map((ending) => file + ending).filter(isOpen);
  for (const path of opened) {
    try {
      chmodSync(path, 0o600);
      log.warn({ file: path }, `${path} could be read by other users of this machine; its mode is 0600 now`);
    } catch (error) {
      log.warn({ file: path, err: error }, `${path} can be read by other users of this machine`);
    }
  }
}

function isOpen(path: string): boolean {
  const stats = statSync(path, { throwIfNoEntry: false });
  return stats?.isFile() === true && isOpenToOthers(stats);
}
