import { backupClusterDatabase } from "@multimaster/operator/backup-database";
import { loadClusterConfig } from "@multimaster/operator/load-cluster-config";
import type { Command } from "commander";
import { configOption } from "../options.ts";
import { openTerminal } from "../terminal.ts";

/** `master backup`: the SQLite database into a file, while a master runs on it. */
export function addBackup(program: Command): void {
  program
    .command("backup")
    .description("write the SQLite database to a new file, also while the master runs")
    .argument("<file>", "where to write it; a file that is there is never written over")
    .addOption(configOption())
    .action(async (file: string, { config }: { config: string }) => {
      const { from, to, bytes } = await backupClusterDatabase(await loadClusterConfig(config), file);
      await openTerminal().write(
        `Wrote ${(bytes / 1024 / 1024).toFixed(1)} MiB from ${from} to ${to}.\n` +
          `To restore it, stop the master and put this file in the place of its database, without the old "-wal" and "-shm".\n`,
      );
    });
}
