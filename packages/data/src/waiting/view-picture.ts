import type { BuilderView, WorkerView } from "@multimaster/placement";
import type { BuilderPlacement } from "./read-builder-placements.ts";
import type { Engine, Picture, RunningBuild, WorkerSeen } from "./read-picture.ts";

/** A worker as placement sees it, with the row it comes from. */
export interface SeenWorkerView extends WorkerView {
  readonly seen: WorkerSeen;
}

/** What a worker builds for one engine. */
export function buildsAt(picture: Picture, worker: WorkerSeen, masterid: number): readonly RunningBuild[] {
  return (picture.buildsOnWorker.get(worker.workerid) ?? []).filter((build) => build.masterid === masterid);
}

/** The builds of a builder that one engine runs. */
export function buildsOfBuilderAt(picture: Picture, builderid: number, masterid: number): readonly RunningBuild[] {
  return (picture.buildsOfBuilder.get(builderid) ?? []).filter((build) => build.masterid === masterid);
}

/** Where a builder, or a build of it, works on a worker; for one that has not said where, a place that no other has. */
export function directoryOf({ builderid, directory }: Pick<RunningBuild, "builderid" | "directory">): string {
  return directory ?? `/builder/${builderid}`;
}

/** A worker of the rows, as this engine has it in its memory. */
export function viewWorker(picture: Picture, { masterid }: Engine, seen: WorkerSeen): SeenWorkerView {
  const builds = buildsAt(picture, seen, masterid);
  return {
    seen,
    name: seen.name,
    presence: seen.masterids.includes(masterid) ? "attached" : "absent",
    paused: seen.paused && !seen.quarantined,
    quarantined: seen.quarantined,
    onProbation: seen.onProbation,
    leaving: seen.graceful,
    slots: seen.maxBuilds ?? 1,
    builds: builds.length,
    directories: new Set(builds.map(directoryOf)),
    onlyRequest: seen.onlyRequest,
    closedUntil: seen.closedUntil ?? null,
    capacity: seen.capacity ?? null,
    load: builds.reduce((sum, { weight = 1 }) => sum + weight, 0),
    keptFor: picture.refusals.keptFor(masterid, seen.workerid),
  };
}

/** A builder of the rows, as this engine has it in its memory. */
export function viewBuilder(picture: Picture, placement: BuilderPlacement): BuilderView {
  const { builderid, masterid, maxBuilds, weight = 1 } = placement;
  return {
    builderid,
    weight,
    limit: maxBuilds,
    running: buildsOfBuilderAt(picture, builderid, masterid).length,
    directory: directoryOf(placement),
    heldLocks: [],
    closedUntil: null,
    refusesRequest(worker, requestId) {
      const { workerid } = (worker as SeenWorkerView).seen;
      const lock = picture.locks.behindAll(picture.refusals.lockOf(placement, workerid));
      return lock ? { kind: "worker_locked", lock } : picture.refusals.find(placement, workerid, requestId);
    },
  };
}
