import { closeSync, existsSync, openSync, rmSync, statSync } from "node:fs";
import { resolve } from "node:path";
import type { LoadedConfig } from "@multimaster/config";
import { errors } from "@multimaster/core";
import { parseDatabaseUrl } from "@multimaster/database";
import { openCluster } from "./with-cluster.ts";

/** Writes the SQLite database of a config, as it is at this moment, to a new file; a master that runs on it goes on. */
export async function backupClusterDatabase(
  { shared }: LoadedConfig,
  file: string,
): Promise<{ from: string; to: string; bytes: number }> {
  const source = parseDatabaseUrl(shared.database);
  if (source.engine !== "sqlite" || source.memory) throw errors.backupByServer(source.describe);
  if (!existsSync(source.file)) throw errors.backupSourceMissing(source.file);
  const to = resolve(file);
  const database = await openCluster(shared);
  try {
    createClosedFile(to);
    try {
      // It reads one moment's rows, and the file is whole or an error is thrown.
      await database.sql.run("vacuum into ?", [to]);
    } catch (error) {
      rmSync(to, { force: true });
      throw error;
    }
    return { from: source.describe, to, bytes: statSync(to).size };
  } finally {
    await database.close();
  }
}

/** Passwords' hashes and sessions are in it: only its owner reads it. SQLite writes into a file that is empty. */
function createClosedFile(file: string): void {
  try {
    closeSync(openSync(file, "wx", 0o600));
  } catch (error) {
    const { code = "", message } = error as NodeJS.ErrnoException;
    throw code === "EEXIST" ? errors.backupFileTaken(file) : errors.backupFileRefused(file, message);
  }
}
