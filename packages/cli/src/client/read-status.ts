import type { Member } from "@multimaster/data";
import { type ClusterStatus, joinSchedules } from "@multimaster/operator/status";
import { standingOf } from "@multimaster/operator/worker-standing";
import type { Api } from "./api.ts";
import { nameBuilders } from "./find-item.ts";
import { readIfSupported } from "./read-if-supported.ts";

/** Reads the cluster's status from a ui master: the same as `master status` reads from the rows. */
export async function readRemoteStatus(api: Api): Promise<ClusterStatus> {
  const { items: members } = await readIfSupported(api.url, "the state of the masters", () =>
    api.list("members", "members"),
  );
  const cluster = await api.one("cluster", "cluster");
  const { items: running } = await api.list("builds", "builds", { complete: false });
  const { items: workers } = await api.list("workers", "workers");
  const { items: schedules } = await api.list("schedules", "schedules");
  const { items: schedulers } = await api.list("schedulers", "schedulers");
  const builderNames = await nameBuilders(api);
  const masterNames = new Map(members.map(({ masterid, name }) => [masterid, name]));
  const workerNames = new Map(workers.map(({ workerid, name }) => [workerid, name]));
  const masterName = (masterid: number) => masterNames.get(masterid) ?? String(masterid);
  return {
    dataVersion: cluster.data_version,
    masters: members.map(toStatus),
    builds: running.map((build) => ({
      buildid: build.buildid,
      builder: builderNames.get(build.builderid) ?? String(build.builderid),
      number: build.number,
      master: masterName(build.masterid),
      worker: build.workerid === null ? null : (workerNames.get(build.workerid) ?? String(build.workerid)),
      state: build.state_string,
      started_at: build.started_at,
    })),
    workers: workers.map((worker) => standingOf(worker, masterName)),
    // A ui master of an earlier release does not send all of these.
    schedulers: joinSchedules(schedules, schedulers).map((schedule) => ({
      ...schedule,
      ...{ last_slot: schedule.last_slot ?? null, last_outcome: schedule.last_outcome ?? null },
      ...{ missed_slots: schedule.missed_slots ?? 0, problem: schedule.problem ?? null },
    })),
    pendingRequests: cluster.requests_waiting,
    // A ui master of an earlier release does not send failures.
    failures: members.flatMap(({ name, alive, failures = [] }) =>
      alive ? failures.map((failure) => ({ master: name, ...failure })) : [],
    ),
    // The same sentence is on each of the masters. A ui master of an earlier release does not send it.
    configSplits: [...new Set(members.flatMap(({ config_warning }) => config_warning ?? []))],
    // Read only from the database: it matters only to a user who upgrades a host.
    unfinishedUpgrades: [],
  };
}

type MasterStatus = ClusterStatus["masters"][number];

function toStatus(member: Member): MasterStatus {
  const { masterid, name, alive, buildbot, epoch, host, pid, release } = member;
  return {
    ...{ masterid, name, alive, buildbot, epoch, host, pid, release },
    state: member.state as MasterStatus["state"],
    roles: [...member.roles],
    builderSets: [...member.builder_sets],
    configHash: member.config_hash ?? null,
    configAge: member.config_since == null ? null : Math.max(0, Math.floor(Date.now() / 1000) - member.config_since),
    leaseRemaining: member.lease_remaining,
    dataVersion: member.data_version,
  };
}
