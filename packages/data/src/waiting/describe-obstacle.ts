import type { Json } from "@multimaster/core";
import type { BuilderObstacle, HeldLock, PairObstacle, WorkerObstacle } from "@multimaster/placement";
import type { BuilderPlacement } from "./read-builder-placements.ts";
import type { Engine, Picture, RunningBuild, WorkerSeen } from "./read-picture.ts";
import { because, describeAsking, describeTime, listNames, mostFacts, type Reason } from "./reasons.ts";
import type { Finding } from "./shorten.ts";
import { buildsAt, buildsOfBuilderAt, directoryOf } from "./view-picture.ts";

export const named = ({ workerid, name }: WorkerSeen) => ({ workerid, worker: name });

const nameBuild = ({ builder, number }: RunningBuild) => `${builder} #${number}`;

/** The first of many: a builder may have thousands of builds at the same time. */
function showBuilds(builds: readonly RunningBuild[]): Json[] {
  return builds
    .slice(0, mostFacts)
    .map(({ buildid, number, builderid, builder }) => ({ buildid, number, builderid, builder }));
}

/** "lock db is held by web #81 on engine-2, 2 ahead of it" */
export function describeLock(lock: HeldLock): string {
  return `lock ${lock.name} is held by ${lock.holder}${lock.ahead > 0 ? `, ${lock.ahead} ahead of it` : ""}`;
}

/** Why a request that could begin at this engine waits there. */
export function explainHeldLocks({ masterid, name: master }: Engine, locks: readonly HeldLock[]): Reason {
  const facts = { masterid, master, ...locks[0], locks: locks.map((lock) => ({ ...lock })) };
  return because("locked", `On ${master}, ${listNames(locks.map(describeLock))}.`, facts);
}

/** Why this engine starts no build of the builder, whichever worker is free. */
export function describeBuilderObstacle(
  picture: Picture,
  { builderid }: BuilderPlacement,
  { masterid, name: master }: Engine,
  obstacle: BuilderObstacle,
): Reason {
  switch (obstacle.kind) {
    case "max_builds": {
      const here = buildsOfBuilderAt(picture, builderid, masterid);
      const sentence = `${master} runs as many builds of this builder as it may (${obstacle.limit}).`;
      const facts = { masterid, master, max_builds: obstacle.limit, builds: showBuilds(here) };
      return because("max_builds", sentence, facts);
    }
    case "outside_hours": {
      const opens = describeTime(obstacle.until);
      return because("outside_hours", `This builder is outside its hours until ${opens}.`, { until: obstacle.until });
    }
    case "locked": {
      const facts = { masterid, master, ...obstacle.lock };
      return because("locked", `On ${master}, ${describeLock(obstacle.lock)}.`, facts);
    }
  }
}

/** Why this worker takes no build at this engine. */
export function findWorker(picture: Picture, engine: Engine, worker: WorkerSeen, obstacle: WorkerObstacle): Finding {
  const { masterid, name: master } = engine;
  const facts = { masterid, master, ...named(worker) };
  const { name } = worker;
  switch (obstacle.kind) {
    case "worker_away":
      return { kind: "worker_away", describe: () => because("worker_away", `${name} is not attached.`, facts) };
    case "worker_paused": {
      const why = worker.pauseReason === null || worker.pauseReason === "" ? "" : `: ${worker.pauseReason}`;
      const describe = () =>
        because("worker_paused", `${name} is paused${why}.`, { ...facts, reason: worker.pauseReason });
      return { kind: "worker_paused", describe };
    }
    case "worker_quarantined": {
      const { quarantinedAt: at, quarantineReason: why } = worker;
      const since = at === null ? "" : ` since ${describeTime(at)}`;
      const describe = () =>
        because("worker_quarantined", `${name} is quarantined${since}: ${why ?? "its last builds failed"}.`, {
          ...facts,
          since: at,
          reason: why,
        });
      return { kind: "worker_quarantined", describe };
    }
    case "worker_leaving": {
      const sentence = `${name} is being shut down and takes no more builds.`;
      return { kind: "worker_graceful", describe: () => because("worker_graceful", sentence, facts) };
    }
    case "worker_closed": {
      const opens = describeTime(obstacle.until);
      const sentence = `${name} is outside its hours until ${opens}.`;
      const describe = () => because("worker_hours", sentence, { ...facts, until: obstacle.until });
      return { kind: "worker_hours", describe };
    }
    case "worker_full": {
      const describe = () => {
        const builds = buildsAt(picture, worker, masterid);
        const sentence = `${name} is busy with ${listNames(builds.map(nameBuild))} on ${master}.`;
        return because("worker_busy", sentence, { ...facts, max_builds: worker.maxBuilds, builds: showBuilds(builds) });
      };
      return { kind: "worker_busy", describe };
    }
  }
}

/** Why this worker, which takes builds, takes none of this builder. */
export function findPair(
  picture: Picture,
  placement: BuilderPlacement,
  { masterid, name: master }: Engine,
  worker: WorkerSeen,
  obstacle: PairObstacle,
): Finding {
  const facts = { masterid, master, ...named(worker) };
  switch (obstacle.kind) {
    case "directory_in_use": {
      const describe = () => {
        const own = directoryOf(placement);
        const sharing = buildsAt(picture, worker, masterid).filter((build) => directoryOf(build) === own);
        const sentence = `${listNames(sharing.map(nameBuild))} builds in the same directory of ${worker.name}.`;
        return because("directory_in_use", sentence, {
          ...facts,
          directory: placement.directory,
          builds: showBuilds(sharing),
        });
      };
      return { kind: "directory_in_use", describe };
    }
    case "reserved": {
      const { buildrequestid } = obstacle;
      const sentence = `${worker.name} is an instance that was made for build request ${buildrequestid}.`;
      return { kind: "reserved", describe: () => because("reserved", sentence, { ...facts, buildrequestid }) };
    }
    case "worker_locked": {
      const sentence = `On ${worker.name}, ${describeLock(obstacle.lock)}.`;
      return { kind: "locked", describe: () => because("locked", sentence, { ...facts, ...obstacle.lock }) };
    }
    case "worker_loaded": {
      const describe = () => {
        const { weight, load, capacity } = obstacle;
        const builds = buildsAt(picture, worker, masterid);
        const runs = builds.length === 0 ? "nothing" : listNames(builds.map(nameBuild));
        const sentence = `${worker.name} runs ${runs} on ${master}, which takes ${load} of its capacity of ${capacity}; this builder needs ${weight}.`;
        return because("worker_load", sentence, { ...facts, weight, load, capacity, builds: showBuilds(builds) });
      };
      return { kind: "worker_load", describe };
    }
    case "capacity_kept": {
      const { buildrequestid, builderid } = obstacle.keptFor;
      const sentence = `${worker.name} keeps its free capacity on ${master} for build request ${buildrequestid}, which needs more of it.`;
      const describe = () => because("capacity_kept", sentence, { ...facts, buildrequestid, builderid });
      return { kind: "capacity_kept", describe };
    }
    case "refused":
      return { kind: "refused", describe: () => describeRefusal(facts, obstacle) };
  }
}

function describeRefusal(
  facts: { readonly master: string; readonly worker: string; readonly [name: string]: Json },
  { why, option, until }: Extract<PairObstacle, { kind: "refused" }>,
): Reason {
  const by = option === undefined ? "The config" : `"${option}" of the config`;
  const sentence = `${by} of ${facts.master} refuses ${facts.worker}: ${why}${describeAsking(until)}.`;
  return because("refused", sentence, { ...facts, why, option: option ?? null, until: until ?? null });
}
