import type { AuditEntry } from "@multimaster/data";
import { readAuditLog } from "@multimaster/operator/audit-log";
import { loadClusterConfig } from "@multimaster/operator/load-cluster-config";
import type { Command } from "commander";
import { configOption, parseCount, parseDuration } from "../options.ts";
import { formatTable } from "../table.ts";

interface Flags {
  config: string;
  since?: number;
  who?: string;
  limit: number;
  json?: boolean;
}

/** `master audit-log`: who did what. (`master audit` checks rows.) */
export function addAuditLog(program: Command): void {
  program
    .command("audit-log")
    .description('show who did what, and what was refused ("audit" checks the rows instead)')
    .addOption(configOption())
    .option("--since <time>", 'only entries of this last period, such as "2h" or "7d"', parseDuration)
    .option("--who <who>", 'only entries of this user: a name, or an identity such as "token:nightly"')
    .option("--limit <count>", "number of the newest entries to show", parseCount, 200)
    .option("--json", "as JSON")
    .action(async ({ config: file, since, who, limit, json }: Flags) => {
      const entries = await readAuditLog(await loadClusterConfig(file), { sinceMs: since, who, limit });
      process.stdout.write(json ? `${JSON.stringify(entries, null, 2)}\n` : format(entries));
    });
}

function format(entries: readonly AuditEntry[]): string {
  return formatTable(
    ["when", "who", "by", "from", "action", "object", "outcome"],
    entries.map(({ at, who, name, by, address, action, object, outcome, times, detail }) => [
      new Date(at * 1000).toISOString().slice(0, 19).replace("T", " "),
      who === "anonymous" && name !== who ? `anonymous (as ${name})` : who,
      by,
      address ?? "",
      action,
      object,
      [times > 1 ? `${outcome} ${times} times` : outcome, detail ?? ""].filter((part) => part !== "").join(": "),
    ]),
    "No entries.",
  );
}
