import { errors } from "@multimaster/core";
import { loadClusterConfig } from "@multimaster/operator/load-cluster-config";
import { withCluster } from "@multimaster/operator/with-cluster";
import { testReport } from "@multimaster/roles/test-report";
import type { Command } from "commander";
import type { Api } from "../client/api.ts";
import { type ClientFlags, clientOptions, connect } from "../client/connect.ts";
import { configOption, parseCount } from "../options.ts";
import { formatTable } from "../table.ts";
import { formatJson, openTerminal } from "../terminal.ts";

interface TestFlags {
  readonly config: string;
  readonly build: number;
  readonly dryRun?: boolean;
}

interface RetryFlags extends ClientFlags {
  dead?: boolean;
}

/** `master report list` and `master report retry`: what reporters owe, and why they fail. */
export function addReport(program: Command): void {
  const report = program.command("report").description("show what reporters owe, let them try again, or try one out");
  clientOptions(report.command("list").description("list reporters, with what they owe and why they fail")).action(
    async (_: ClientFlags, command: Command) => {
      const { json, ...flags } = command.optsWithGlobals<ClientFlags>();
      const { items } = await (await connect(flags)).list("reporters", "reporters", { order: "name" });
      await openTerminal().write(json ? formatJson(items) : describeReporters(items));
    },
  );
  clientOptions(
    report
      .command("retry")
      .description("let a reporter send immediately what waits for its next attempt")
      .argument("<name>", "the reporter's name")
      .option("--dead", "also what was given up"),
  ).action(async (name: string, _: RetryFlags, command: Command) => {
    const { dead = false, json, ...flags } = command.optsWithGlobals<RetryFlags>();
    const api = await connect(flags);
    const reporter = await findReporter(api, name);
    await api.call("reporters", `reporters/${reporter.reporterid}`, "retry", { dead });
    const count = reporter.owed + (dead ? reporter.dead : 0);
    const done = `${name} sends ${count === 1 ? "one report" : `${count} reports`} now.\n`;
    await openTerminal().write(json ? formatJson(reporter) : done);
  });
  report
    .command("test")
    .description("send what a reporter reports of a build, whatever its filters say; needs the config and its database")
    .argument("<name>", "the reporter's name")
    .requiredOption("--build <id>", "the build's id", parseCount)
    .option("--dry-run", "show it instead of sending it")
    .addOption(configOption())
    .action(async (name: string, { build, dryRun, config: file }: TestFlags) => {
      const shown: string[] = [];
      const preview = dryRun ? (what: string) => void shown.push(what) : undefined;
      const config = await loadClusterConfig(file);
      await withCluster(config, (database) =>
        testReport({ config, database, reporter: name, buildid: build, preview }),
      );
      const terminal = openTerminal();
      if (dryRun && shown.length === 0)
        shown.push(`${name} sends nothing of build ${build}: it finds no one to send it to.`);
      // Messages show what builds have printed.
      const lines = shown.join("\n\n").split("\n").map(terminal.foreign);
      await terminal.write(dryRun ? `${lines.join("\n")}\n` : `${name} sent its report of build ${build}.\n`);
    });
  for (const command of report.commands) command.exitOverride();
}

async function findReporter(api: Api, name: string) {
  const { items } = await api.list("reporters", "reporters", { name });
  const [one] = items;
  if (!one) throw errors.notFound(`There is no reporter "${name}"; "master report list" lists them.`);
  return one;
}

type Reporters = Awaited<ReturnType<typeof list>>;
const list = async (api: Api) => (await api.list("reporters", "reporters", {})).items;

function describeReporters(items: Reporters): string {
  const rows = items.map(({ name, type, configured, master, owed, dead, sent, failing_since, problem }) => [
    name,
    type,
    configured ? (master ?? "no master") : "not in the config",
    owed,
    sent,
    dead,
    problem === null ? "-" : `since ${since(failing_since)}: ${problem}`,
  ]);
  return formatTable(
    ["reporter", "kind", "on", "owed", "sent", "given up", "fails"],
    rows,
    "The config has no reporters.",
  );
}

const since = (seconds: number | null) => (seconds === null ? "?" : new Date(seconds * 1000).toISOString());
