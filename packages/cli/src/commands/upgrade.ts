import { createRequire } from "node:module";
import { hostname } from "node:os";
import { dirname, join, resolve } from "node:path";
import type { LoadedConfig } from "@multimaster/config";
import { ExitCode, errors } from "@multimaster/core";
import { loadClusterConfig } from "@multimaster/operator/load-cluster-config";
import {
  describePending,
  isMasterRunning,
  openUpgradeRows,
  type PendingBuilder,
  requireDrainable,
  type UpgradePair,
  type UpgradeRows,
} from "@multimaster/operator/upgrade-rows";
import { checkSlices } from "@multimaster/roles/master/check-slices";
import { type Command, Option } from "commander";
import { configOption, gatherList, parseDuration, parseStartCommand } from "../options.ts";
import { interruptOnSignals } from "../signals.ts";
import { askReady, readHealthPorts } from "../upgrade/health-ports.ts";
import { findOtherProgram, runOtherProgram, thisProgram, withoutOption } from "../upgrade/other-program.ts";
import { planUpgrade, type Replacement } from "../upgrade/plan.ts";
import { formatPlan, formatReport, reportPlan, type UpgradeReport } from "../upgrade/report.ts";
import { adoptSuccessor, planResume } from "../upgrade/resume.ts";
import { startSuccessor } from "../upgrade/start-successor.ts";
import { readStartedAs } from "../upgrade/started-as.ts";
import { upgradeMasters } from "../upgrade/upgrade-masters.ts";

const { version: release } = createRequire(import.meta.url)("@multimaster/roles/package.json") as { version: string };

interface UpgradeFlags {
  config: string;
  program?: string;
  masters?: string[];
  host: string;
  readyTimeout: number;
  deadline?: number;
  startCommand?: string;
  logDir?: string;
  dryRun?: boolean;
  json?: boolean;
}

export function addUpgrade(program: Command, setExitCode: (code: number) => void): void {
  program
    .command("upgrade")
    .description("replace the masters of this host by new ones, with new code or a new config, without a gap")
    .addOption(configOption("the new masters' config"))
    .option("--program <path>", "master.mjs of the checkout that the new masters run; default: this one")
    .option("--masters <names>", "only these masters; repeatable or separated by commas; all by default", gatherList)
    .option("--host <host>", "the host's name in the cluster", hostname())
    .addOption(
      new Option("--ready-timeout <duration>", "how long the new masters may take to become ready")
        .argParser(parseDuration)
        .default(120_000, "2m"),
    )
    .option("--deadline <duration>", "release running builds when a drain takes longer; no limit", parseDuration)
    .option(
      "--start-command <command>",
      "command that makes a supervisor start a new master; {name} {roles} {builders} {config} {program} are replaced",
      parseStartCommand,
    )
    .option("--log-dir <dir>", "directory for the new masters' output; default: logs, beside the config")
    .option("--dry-run", "show what would be done, and change nothing")
    .option("--json", "print the report as JSON, and no progress")
    .addHelpText(
      "after",
      `
The new masters are started beside the old ones, with the same roles and builder sets; when all are ready, the old ones
drain: schedulers, then ui masters, then engines, whose running builds finish. If a new one does not become ready, the
new ones are ended and the old ones go on undisturbed. Ctrl-C before the first drain undoes the upgrade; after it, the
new masters stay, and what still drains ends by itself.

Give masters of one host several ports to choose from (port: "9989-9992"). docs/upgrade.md explains the rest.

Example, for masters that systemd runs:
  master upgrade --config /etc/ci/cluster.ts --start-command 'systemctl start multimaster@{name}'`,
    )
    .action(async (flags: UpgradeFlags) => {
      const other = flags.program === undefined ? undefined : findOtherProgram(flags.program);
      if (other !== undefined) {
        setExitCode(await runOtherProgram(other, withoutOption(process.argv.slice(2), "--program")));
        return;
      }
      const report = await upgrade(flags);
      if (flags.json) process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
      else if (report.outcome === "planned") process.stdout.write(`${report.sentence}\n`);
      else process.stdout.write(`\n${formatReport(report.masters)}${report.sentence}\n`);
      setExitCode(report.outcome === "planned" || report.outcome === "upgraded" ? ExitCode.ok : ExitCode.failure);
    });
}

async function upgrade(flags: UpgradeFlags): Promise<UpgradeReport> {
  const { host } = flags;
  const print = (text: string) => void (flags.json || process.stdout.write(`${text}\n`));
  const config = await loadClusterConfig(flags.config);
  const rows = await openUpgradeRows(config.shared);
  try {
    const isHere = host === hostname();
    const masters = await rows.masters();
    const resumed = planResume(masters, await rows.unfinished(), { host, config: config.file, names: flags.masters });
    const plan =
      resumed ??
      planUpgrade(masters, {
        host,
        names: flags.masters,
        // Process ids of another machine are not valid here.
        startedAs: (pid) => (isHere ? readStartedAs(pid) : undefined),
        isRunning: (pid) => !isHere || isMasterRunning(pid),
      });
    // Errors in the new config are reported before any master is started.
    await checkSlices(config, plan);
    const healthPorts = await readHealthPorts(config, new Set(plan.flatMap(({ roles }) => roles)));

    const { found, missing } = rows.schema;
    print(`Upgrade of ${host} with ${thisProgram} (release ${release}) and ${config.file}:`);
    print(formatPlan(plan.map(reportPlan)).trimEnd());
    const there = plan.flatMap(({ running }) => running?.name ?? []);
    if (there.length > 0)
      print(`This resumes an unfinished upgrade. It has started ${there.join(", ")}, with the config of that time.`);
    const lacking = await findLacking(rows, config);
    if (lacking.length > 0)
      print(
        `The new config lacks builders that have waiting requests, which wait until a master has these builders: ${describePending(lacking)}.`,
      );
    if (missing.length > 0)
      print(
        `The database is at ${found}. This applies "${missing.join('", "')}" first; running masters continue meanwhile.`,
      );
    if (flags.dryRun) return { outcome: "planned", sentence: "Nothing was changed.", masters: plan.map(reportPlan) };

    if (!isHere) throw errors.otherHost(host, hostname());
    for (const { old } of plan) requireDrainable(old);
    await rows.lockHost(host);
    if (missing.length > 0) print(`database upgraded: ${(await rows.upgradeSchema()).applied.join(", ")}`);
    const ended = await rows.begin({ host, config: config.file, release, pairs: plan.map(showPair) });
    const signals = interruptOnSignals();
    try {
      const report = await upgradeMasters(plan, {
        rows,
        release,
        start: (replacement) =>
          replacement.running
            ? adoptSuccessor(replacement, replacement.running, isMasterRunning)
            : startSuccessor(replacement, {
                program: thisProgram,
                config: config.file,
                logDir: resolve(flags.logDir ?? join(dirname(config.file), "logs")),
                startCommand: flags.startCommand,
              }),
        askReady: (name, roles) => askReady(name, roles, healthPorts),
        readyTimeoutMs: flags.readyTimeout,
        deadlineMs: flags.deadline,
        interrupted: signals.interrupted,
        print,
      });
      await ended(report);
      return report;
    } finally {
      signals.ignore();
    }
  } finally {
    await rows.close();
  }
}

/** Finds builders that have waiting requests and that no part of the new config provides. */
async function findLacking(rows: UpgradeRows, config: LoadedConfig): Promise<PendingBuilder[]> {
  const pending = await rows.pendingBuilders();
  if (pending.length === 0) return [];
  const sets = [...(await config.builders("all")).values()];
  const names = new Set(sets.flatMap(({ builders }) => builders.map(({ name }) => name)));
  return pending.filter(({ builder }) => !names.has(builder));
}

function showPair({ old, name, roles, builderSets }: Replacement): UpgradePair {
  const { masterid, pid } = old;
  return {
    masterid,
    old: old.name,
    pid,
    name,
    roles: [...roles],
    builderSets: builderSets === "all" ? "all" : [...builderSets],
  };
}
