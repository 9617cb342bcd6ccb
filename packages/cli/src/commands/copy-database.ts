import { copyClusterDatabase, countRows } from "@multimaster/operator/copy-cluster-database";
import { loadClusterConfig } from "@multimaster/operator/load-cluster-config";
import type { Command } from "commander";
import { configOption } from "../options.ts";
import { formatJson, openTerminal } from "../terminal.ts";

interface Flags {
  config: string;
  from: string;
  json?: boolean;
}

/** `master copy-database`: from a SQLite file to the PostgreSQL database that the config names. */
export function addCopyDatabase(program: Command): void {
  program
    .command("copy-database")
    .description("copy all rows of a SQLite file into the empty PostgreSQL database that the config names")
    .addOption(configOption())
    .requiredOption("--from <file>", "the SQLite file; no master runs on it meanwhile, and it stays as it is")
    .option("--json", "the number of rows of each table as JSON")
    .addHelpText(
      "after",
      '\nWrite the PostgreSQL URL into the config first ("database"), and stop the master. All rows are copied, or none.',
    )
    .action(async ({ config: file, from, json }: Flags) => {
      const config = await loadClusterConfig(file);
      const copy = await copyClusterDatabase(config, {
        from,
        onTable: (table, rows) => rows >= 10_000 && process.stderr.write(`${table}: ${rows} rows\n`),
      });
      const count = (table: string) => copy.rows[table] ?? 0;
      const text =
        `Copied ${countRows(copy.rows)} rows of ${Object.keys(copy.rows).length} tables from ${copy.from} to ${copy.to}: ` +
        `${count("builds")} builds, ${count("changes")} changes, ${count("logs")} logs.\n` +
        "Start the masters with this config; keep the file until they have built something.\n";
      await openTerminal().write(json ? formatJson(copy) : text);
    });
}
