import type { RetentionReport, RetentionRunReport } from "@multimaster/data";
import { loadClusterConfig } from "@multimaster/operator/load-cluster-config";
import { countDeletable, latestRetention } from "@multimaster/operator/retention";
import type { Command } from "commander";
import { configOption } from "../options.ts";
import { formatTable } from "../table.ts";
import { formatJson, openTerminal } from "../terminal.ts";

interface Flags {
  config: string;
  dryRun?: boolean;
  json?: boolean;
}

/** `master retention`: what the last run deleted, or what the next one would. */
export function addRetention(program: Command): void {
  program
    .command("retention")
    .description("show what the last run of retention deleted, or with --dry-run what the rules would delete now")
    .addOption(configOption())
    .option("--dry-run", "count what the rules of the config would delete now, rule by rule; deletes nothing")
    .option("--json", "as JSON")
    .action(async ({ config: file, dryRun, json }: Flags) => {
      const config = await loadClusterConfig(file);
      const found = dryRun ? await countDeletable(config) : await latestRetention(config);
      const text = dryRun
        ? describeCount(found as RetentionReport | undefined)
        : describeRun(found as RetentionRunReport | undefined);
      await openTerminal().write(json ? formatJson(found ?? null) : text);
    });
}

function describeCount(report: RetentionReport | undefined): string {
  if (!report) return "The config has no rules of retention: everything is kept.\n";
  return `What the rules would delete now, each by itself:\n${formatReport(report)}`;
}

function describeRun(run: RetentionRunReport | undefined): string {
  if (!run) return "Retention has not run yet.\n";
  const time = (seconds: number) => new Date(seconds * 1000).toISOString();
  const end = run.ended_at === null ? "goes on" : `ended ${time(run.ended_at)}`;
  return `Run ${run.runid} on ${run.master ?? "a master that is gone"} began ${time(run.started_at)}, ${end}.\n${formatReport(run.report)}`;
}

/** One line for each rule, and for each of its builders. */
function formatReport({ rules }: RetentionReport): string {
  const columns = [
    "builds",
    "requests",
    "logs",
    "bytes",
    "test_results",
    "changes",
    "source_stamps",
    "audit_entries",
  ] as const;
  const used = columns.filter((column) => rules.some(({ total }) => total[column] > 0));
  const rows = rules.flatMap(({ rule, total, builders }) => [
    [rule, "", ...used.map((column) => total[column])],
    ...Object.entries(builders).map(([builder, some]) => ["", builder, ...used.map((column) => some[column])]),
  ]);
  const heads = used.map((column) => column.replace("_", " "));
  return formatTable(["rule", "builder", ...heads], rows, "Nothing.");
}
