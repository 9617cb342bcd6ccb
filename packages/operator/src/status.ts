import { describeSplit, findConfigSplits, listMasters, type MasterStatus, openUpgradeRuns } from "@multimaster/cluster";
import type { LoadedConfig } from "@multimaster/config";
import {
  builders,
  buildrequests,
  builds,
  equals,
  findItems,
  type Schedule,
  type Scheduler,
  schedulers,
  schedules,
  workers,
} from "@multimaster/data";
import { type Database, readDataVersion, readServiceFailures, takeSessionLock } from "@multimaster/database";
import { withCluster } from "./with-cluster.ts";
import { standingOf, type WorkerStanding } from "./worker-standing.ts";

/** A scheduler: when it runs next, what its last run by the clock was, and what keeps it from building. */
export type ScheduleStatus = Pick<
  Schedule,
  "name" | "enabled" | "next_at" | "last_slot" | "last_outcome" | "missed_slots" | "problem"
> & { master: string | null };

/** Who is in the cluster and what runs, read from the rows: it needs no running master. */
export interface ClusterStatus {
  /** What rows are written in: the newest that all masters understand. */
  dataVersion: number;
  masters: MasterStatus[];
  builds: {
    buildid: number;
    builder: string;
    number: number;
    master: string;
    worker: string | null;
    state: string;
    started_at: number;
  }[];
  workers: WorkerStanding[];
  schedulers: ScheduleStatus[];
  pendingRequests: number;
  /** What live masters do in the background and fail at again and again; `since` in seconds since 1970. */
  failures: { master: string; service: string; since: number; cause: string }[];
  /** Roles whose masters run different configs for longer than a change takes, in sentences. */
  configSplits: string[];
  /** Upgrades that were killed half-way: new masters run beside the old ones. */
  unfinishedUpgrades: { host: string; beganAt: number; old: string[]; new: string[] }[];
}

/** Reads the status of the cluster that a config names. */
export function readClusterStatus(config: LoadedConfig): Promise<ClusterStatus> {
  return withCluster(config, readStatus);
}

async function readStatus(database: Database): Promise<ClusterStatus> {
  const masters = await listMasters(database);
  const masterNames = new Map(masters.map((master) => [master.masterid, master.name]));
  const allWorkers = (await findItems(workers, database))?.rows ?? [];
  const workerNames = new Map(allWorkers.map((worker) => [worker.workerid, worker.name]));
  const running = (await findItems(builds, database, { filters: [equals("complete", false)] }))?.rows ?? [];
  const builderNames = new Map(
    ((await findItems(builders, database))?.rows ?? []).map((builder) => [builder.builderid, builder.name]),
  );
  const pending = await findItems(buildrequests, database, {
    filters: [equals("claimed", false), equals("complete", false)],
    limit: 1,
    countTo: Number.MAX_SAFE_INTEGER,
  });
  return {
    dataVersion: await readDataVersion(database),
    masters,
    builds: running.map((build) => ({
      buildid: build.buildid,
      builder: builderNames.get(build.builderid) ?? String(build.builderid),
      number: build.number,
      master: masterNames.get(build.masterid) ?? String(build.masterid),
      worker: build.workerid === null ? null : (workerNames.get(build.workerid) ?? String(build.workerid)),
      state: build.state_string,
      started_at: build.started_at,
    })),
    workers: allWorkers.map((worker) =>
      standingOf(worker, (masterid) => masterNames.get(masterid) ?? String(masterid)),
    ),
    schedulers: joinSchedules(
      (await findItems(schedules, database))?.rows ?? [],
      (await findItems(schedulers, database))?.rows ?? [],
    ),
    pendingRequests: pending?.total ?? 0,
    failures: (await readServiceFailures(database)).flatMap(({ masterid, ...failure }) => {
      const master = masters.find((one) => one.masterid === masterid);
      return master?.alive ? [{ master: master.name, ...failure }] : [];
    }),
    configSplits: findConfigSplits(masters).map(describeSplit),
    unfinishedUpgrades: await readUnfinished(database, masters),
  };
}

/** Adds the masters on which schedulers run. */
export function joinSchedules(
  all: readonly Schedule[],
  claimed: readonly Pick<Scheduler, "schedulerid" | "master">[],
): ScheduleStatus[] {
  return all.map(({ schedulerid, name, enabled, next_at, last_slot, last_outcome, missed_slots, problem }) => ({
    ...{ name, enabled, next_at, last_slot, last_outcome, missed_slots, problem },
    master: claimed.find((one) => one.schedulerid === schedulerid)?.master?.name ?? null,
  }));
}

async function readUnfinished(
  database: Database,
  masters: readonly MasterStatus[],
): Promise<ClusterStatus["unfinishedUpgrades"]> {
  const found: ClusterStatus["unfinishedUpgrades"] = [];
  for (const { host, beganAt, pairs } of await openUpgradeRuns(database)) {
    const alive = (name: string) => masters.some((one) => one.alive && one.host === host && one.name === name);
    const left = pairs.filter(({ old }) => alive(old));
    const started = pairs.filter(({ name }) => alive(name));
    if (left.length === 0 || started.length === 0) continue;
    // An upgrade of the host that still runs holds its lock.
    const lock = await takeSessionLock(database, `upgrade of ${host}`);
    if (!lock) continue;
    await lock.release();
    found.push({ host, beganAt, old: left.map(({ old }) => old), new: started.map(({ name }) => name) });
  }
  return found;
}
