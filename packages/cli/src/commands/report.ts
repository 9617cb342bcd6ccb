import { errors } from "@multimaster/core";
import { loadClusterConfig } from "@multimaster/operator/load-cluster-config";
import { withCluster } from "@multimaster/operator/with-cluster";
import { testReport } from "@multimaster/roles/test-report";
import type { Command } from "commander";
import type { Api } from "../client/api.ts";
import { type ClientFlags, clientOptions, connect } from "../client/connect.ts";
import { configOption, parseCount } from "../options.ts";
import { formatTable } from "../table.ts";
import { formatJson, openTerminal, type Terminal } from "../terminal.ts";
import { formatWhen } from "../when.ts";

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
  clientOptions(
    report
      .command("list")
      .description(
        "list reporters, with what they owe and why they fail; of one reporter each report that it owes, gave up or skipped",
      )
      .argument("[name]", "the reporter's name"),
  ).action(async (name: string | undefined, _: ClientFlags, command: Command) => {
    const { json, ...flags } = command.optsWithGlobals<ClientFlags>();
    const api = await connect(flags);
    const terminal = openTerminal();
    if (name === undefined) {
      const items = await listReporters(api);
      return terminal.write(json ? formatJson(items) : describeReporters(items, terminal));
    }
    const { reporterid } = await findReporter(api, name);
    const lists = await Promise.all(
      (["skipped", "dead", "owed"] as const).map((state) => listReports(api, reporterid, state)),
    );
    const items = lists.flat();
    await terminal.write(json ? formatJson(items) : describeReports(items, name, terminal));
  });
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
    const { owed } = await api.call("reporters", `reporters/${reporter.reporterid}`, "retry", { dead });
    const count = owed === 1 ? "one report" : `${owed} reports`;
    const done = reporter.configured
      ? `${name} sends ${count} now.\n`
      : `${name} is not in the config: it sends ${count} when it is there again.\n`;
    await openTerminal().write(json ? formatJson({ ...reporter, owed, dead: dead ? 0 : reporter.dead }) : done);
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
      const skipped = await withCluster(config, (database) =>
        testReport({ config, database, reporter: name, buildid: build, preview }),
      );
      const terminal = openTerminal();
      if (skipped !== undefined || (dryRun && shown.length === 0)) {
        const why = skipped ?? "there is nothing to send";
        return terminal.write(`${name} sends nothing of build ${build}: ${terminal.foreign(why)}.\n`);
      }
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

/** Reports of each state that are listed, oldest first. */
const mostReports = 100;

const listReporters = async (api: Api) => (await api.list("reporters", "reporters", { order: "name" })).items;
const listReports = async (api: Api, reporterid: number, state: "skipped" | "dead" | "owed") =>
  (await api.list("reports", `reporters/${reporterid}/reports`, { state, order: "reportid", limit: mostReports }))
    .items;

type Reporters = Awaited<ReturnType<typeof listReporters>>;
type Reports = Awaited<ReturnType<typeof listReports>>;

/** A terminal has no room for reasons in the table: they stand below it, whole. */
function describeReporters(items: Reporters, terminal: Terminal): string {
  const isPipe = terminal.columns === undefined;
  const rows = items.map((reporter) => {
    const { name, type, configured, master, owed, dead, sent } = reporter;
    const on = configured ? (master ?? "no master") : "not in the config";
    const { why, when, next } = describeTrouble(reporter, terminal);
    const trouble = isPipe && why !== null ? `${when}${next}: ${why}` : when;
    return [name, type, on, owed, sent, dead, trouble];
  });
  const head = ["reporter", "kind", "on", "owed", "sent", "given up", "fails"];
  const table = formatTable(head, rows, "The config has no reporters.", terminal);
  const reasons = items.flatMap((reporter) => {
    const { name, suspended } = reporter;
    const { why, next } = describeTrouble(reporter, terminal);
    return [
      ...(isPipe || why === null ? [] : [`${terminal.foreign(`${name}: ${why}`)}${next}\n`]),
      ...(suspended === null ? [] : [`${terminal.foreign(`${name}: ${suspended}`)}\n`]),
    ];
  });
  return reasons.length === 0 ? table : `${table}\n${reasons.join("")}`;
}

/** Why the target takes nothing, since when, and when it is asked again; otherwise when a report that failed is tried again. */
function describeTrouble(reporter: Reporters[number], terminal: Terminal) {
  const { configured, problem, failing_since, paused_until, report_problem, next_at } = reporter;
  const nextAt = (at: number | null) =>
    `next attempt ${at === null || at <= Date.now() / 1000 ? "now" : formatWhen(at, terminal)}`;
  if (problem !== null) {
    const next = configured ? `, ${nextAt(paused_until)}` : "";
    return { why: problem, when: `since ${since(failing_since, terminal)}`, next };
  }
  return { why: report_problem, when: report_problem === null ? "-" : nextAt(next_at), next: "" };
}

const since = (seconds: number | null, terminal: Terminal) => (seconds === null ? "?" : formatWhen(seconds, terminal));

function describeReports(items: Reports, name: string, terminal: Terminal): string {
  const rows = items.map(({ reportid, about, event, happened_at, state, problem, next_at }) => [
    reportid,
    about,
    event,
    formatWhen(happened_at, terminal),
    state === "dead" ? "given up" : state,
    `${problem ?? "-"}${state === "owed" && next_at !== null ? `; next attempt ${formatWhen(next_at, terminal)}` : ""}`,
  ]);
  return formatTable(["report", "about", "what", "happened", "state", "why"], rows, `${name} owes nothing.`, terminal);
}
