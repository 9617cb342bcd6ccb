import type { Member } from "@multimaster/data";
import type { ClusterStatus } from "@multimaster/operator/status";
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
    pendingRequests: cluster.requests_waiting,
    // A ui master of an earlier release does not send failures.
    failures: members.flatMap(({ name, alive, failures = [] }) =>
      alive ? failures.map((failure) => ({ master: name, ...failure })) : [],
    ),
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
    leaseRemaining: member.lease_remaining,
    dataVersion: member.data_version,
  };
}
