import { ExitCode } from "@multimaster/core";
import { auditCheckIds, auditCluster, type ClusterAudit } from "@multimaster/operator/audit";
import { loadClusterConfig } from "@multimaster/operator/load-cluster-config";
import { type Command, Option } from "commander";
import { configOption, gatherList, parseDuration } from "../options.ts";

interface Options {
  config: string;
  json?: boolean;
  grace: number;
  since?: number;
  check?: string[];
}

export function addAudit(program: Command, setExitCode: (code: number) => void): void {
  program
    .command("audit")
    .description("check that the rows of the cluster keep their invariants, also while it works; changes nothing")
    .addOption(configOption())
    .option("--json", "as JSON")
    .addOption(
      new Option("--grace <time>", "ignore what is younger than this: a transition may be in progress")
        .argParser(parseDuration)
        .default(30_000, "30s"),
    )
    .option(
      "--since <time>",
      'check only this period of the history, such as "7d" (default: all); open rows are always checked',
      parseDuration,
    )
    .option("--check <id>", "run only this check; repeatable", gatherList)
    .addHelpText(
      "after",
      `
Checks: ${auditCheckIds.join(", ")}. docs/audit.md explains each.

On a large database give --since: checks of history read every build, step and log of that time, and a snapshot that is
open for minutes keeps PostgreSQL from cleaning up behind it.

Exit codes: 0 nothing found, 1 something found, 2 wrong usage or config, 3 the database is not to be had.`,
    )
    .action(async ({ config: file, json, grace, since, check }: Options) => {
      const audit = await auditCluster(await loadClusterConfig(file), {
        graceSeconds: grace / 1000,
        ...(since === undefined ? {} : { windowSeconds: since / 1000 }),
        ...(check === undefined ? {} : { only: check }),
      });
      process.stdout.write(json ? `${JSON.stringify(audit, null, 2)}\n` : formatAudit(audit));
      if (audit.findings.length > 0) setExitCode(ExitCode.failure);
    });
}

function formatAudit({ database, at, checks, findings }: ClusterAudit): string {
  const head = `${database} at ${new Date(at * 1000).toISOString()}: ${checks.length} checks, ${findings.length} with findings.\n`;
  return [
    head,
    ...findings.map(({ check, sentence, means, advice, total, ids }) => {
      const more = total > ids.length ? ` and ${total - ids.length} more` : "";
      return [
        "",
        sentence,
        `  ids:    ${ids.join(", ")}${more}`,
        `  means:  ${means}`,
        `  do:     ${advice}`,
        `  check:  ${check}`,
        "",
      ].join("\n");
    }),
  ].join("");
}
