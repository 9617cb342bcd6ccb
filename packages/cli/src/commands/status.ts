import { append } from "@multimaster/core";
import { loadClusterConfig } from "@multimaster/operator/load-cluster-config";
import { type ClusterStatus, readClusterStatus } from "@multimaster/operator/status";
import { explainStanding, wordStanding } from "@multimaster/operator/worker-standing";
import Table from "cli-table3";
import type { Command } from "commander";
import { connect, serverOptions } from "../client/connect.ts";
import { readRemoteStatus } from "../client/read-status.ts";
import { type ControlFlags, isRemote } from "../open-control.ts";
import { configOption } from "../options.ts";

export function addStatus(program: Command): void {
  serverOptions(
    program
      .command("status")
      .description("show masters with their roles and leases, running builds, and workers")
      .addOption(configOption()),
  )
    .option("--json", "as JSON")
    .option("--all", "include masters that have ended")
    .addHelpText(
      "after",
      "\nIt is read from the database; with --url or --profile from a ui master, without config or database.",
    )
    .action(async ({ json, all, ...flags }: ControlFlags & { json?: boolean; all?: boolean }) => {
      const status = isRemote(flags)
        ? await readRemoteStatus(await connect(flags))
        : await readClusterStatus(await loadClusterConfig(flags.config));
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
      ["name", "roles", "builder sets", "state", "lease", "epoch", "host", "pid", "release"],
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
      ]),
    ),
    section(
      "Running builds",
      ["build", "state", "master", "worker", "since"],
      builds.map((b) => [
        `${b.builder} #${b.number}`,
        b.state,
        b.master,
        b.worker ?? "-",
        new Date(b.started_at * 1000).toISOString(),
      ]),
    ),
    section(
      "Workers",
      ["name", "state", "connected to", "about"],
      workers.map((w) => [w.name, wordStanding(w), w.connected_to.join(", ") || "-", explainStanding(w)]),
    ),
    `Waiting build requests: ${pendingRequests}\nData version: ${dataVersion}\n`,
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

function section(title: string, head: string[], rows: (string | number)[][]): string {
  if (rows.length === 0) return `${title}: none\n`;
  const table = new Table({ head, style: { head: [], border: [] } });
  append(
    table,
    rows.map((row) => row.map(String)),
  );
  return `${title}\n${table.toString()}\n`;
}
