import { loadClusterConfig } from "@multimaster/operator/load-cluster-config";
import { type ClusterStatus, readClusterStatus } from "@multimaster/operator/status";
import { explainStanding, wordStanding } from "@multimaster/operator/worker-standing";
import type { Command } from "commander";
import { connect, serverOptions } from "../client/connect.ts";
import { readRemoteStatus } from "../client/read-status.ts";
import { type ControlFlags, chooseConfig } from "../open-control.ts";
import { chosenConfigOption } from "../options.ts";
import { formatTable } from "../table.ts";
import { formatWhen } from "../when.ts";

export function addStatus(program: Command): void {
  serverOptions(
    program
      .command("status")
      .description("show masters with their roles and leases, running builds, and workers")
      .addOption(chosenConfigOption()),
  )
    .option("--json", "as JSON")
    .option("--all", "include masters that have ended")
    .addHelpText(
      "after",
      "\nIt is read from the database of the config, or from a ui master, which needs neither (docs/command-line.md).",
    )
    .action(async ({ json, all, ...flags }: ControlFlags & { json?: boolean; all?: boolean }) => {
      const config = await chooseConfig(flags);
      const status =
        config === undefined
          ? await readRemoteStatus(await connect(flags))
          : await readClusterStatus(await loadClusterConfig(config));
      const masters = all ? status.masters : status.masters.filter(({ alive, state }) => alive || state === "expired");
      process.stdout.write(
        json ? `${JSON.stringify({ ...status, masters }, null, 2)}\n` : formatStatus({ ...status, masters }),
      );
    });
}

function formatStatus(status: ClusterStatus): string {
  const { dataVersion, masters, builds, workers, pendingRequests, failures, unfinishedUpgrades } = status;
  return [
    section(
      "Masters",
      ["name", "roles", "builder sets", "state", "lease", "epoch", "host", "pid", "release", "config"],
      masters.map((m) => [
        m.name,
        m.buildbot ? "(Buildbot)" : m.roles.join(", "),
        m.builderSets.join(", "),
        m.state,
        m.alive && !m.buildbot ? `${Math.round(m.leaseRemaining)} s left` : "-",
        m.epoch,
        m.host,
        m.pid,
        m.release,
        m.configHash?.slice(0, 8) ?? "-",
      ]),
    ),
    section(
      "Running builds",
      ["build", "state", "master", "worker", "since"],
      builds.map((b) => [`${b.builder} #${b.number}`, b.state, b.master, b.worker ?? "-", formatWhen(b.started_at)]),
    ),
    section(
      "Workers",
      ["name", "state", "connected to", "about"],
      workers.map((w) => [w.name, wordStanding(w), w.connected_to.join(", ") || "-", explainStanding(w)]),
    ),
    section(
      "Schedulers",
      ["name", "state", "runs on", "next run", "last run by the clock"],
      status.schedulers.map((s) => [
        s.name,
        s.enabled ? "on" : "off",
        s.master ?? "-",
        s.next_at === null ? "-" : formatWhen(s.next_at),
        describeLastSlot(s),
      ]),
    ),
    ...status.schedulers.flatMap(({ name, problem }) =>
      problem === null ? [] : [`The scheduler "${name}" cannot build: ${problem}\n`],
    ),
    `Waiting build requests: ${pendingRequests}\nData version: ${dataVersion}\n`,
    ...status.configSplits.map((sentence) => `${sentence}\n`),
    ...failures.map(
      ({ master, service, since, cause }) =>
        `On ${master}, "${service}" has failed since ${new Date(since * 1000).toISOString()}: ${cause}\n`,
    ),
    ...unfinishedUpgrades.map(
      ({ host, beganAt, old, new: started }) =>
        `The upgrade of ${host} that began at ${new Date(beganAt * 1000).toISOString()} was not finished: ${started.join(", ")} ` +
        `run beside ${old.join(", ")}. Run it again there to finish it: master upgrade\n`,
    ),
  ].join("\n");
}

function describeLastSlot({ last_slot, last_outcome, missed_slots }: ClusterStatus["schedulers"][number]): string {
  if (last_slot === null) return "-";
  const missed = missed_slots > 0 ? `, ${missed_slots} missed` : "";
  return `${formatWhen(last_slot)} (${last_outcome}${missed})`;
}

function section(title: string, head: string[], rows: (string | number)[][]): string {
  if (rows.length === 0) return `${title}: none\n`;
  return `${title}\n${formatTable(head, rows)}`;
}
