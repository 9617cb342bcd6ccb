import { loadClusterConfig } from "@multimaster/operator/load-cluster-config";
import { upgradeClusterDatabase } from "@multimaster/operator/upgrade-cluster-database";
import type { Command } from "commander";
import { configOption } from "../options.ts";

export function addUpgradeDatabase(program: Command): void {
  program
    .command("upgrade-database")
    .description("create the database's tables, or upgrade them to this release, in place")
    .addOption(configOption())
    .action(async ({ config: file }: { config: string }) => {
      const { applied, to, waiting } = await upgradeClusterDatabase(await loadClusterConfig(file));
      process.stdout.write(
        applied.length === 0
          ? `The database is up to date (${to}).\n`
          : `The database is now at ${to}; applied: ${applied.join(", ")}.\n`,
      );
      if (waiting) throw waiting;
    });
}
