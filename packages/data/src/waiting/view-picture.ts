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

/** A worker of the rows, as this engine has it in its memory. */
export function viewWorker(picture: Picture, { masterid }: Engine, seen: WorkerSeen): SeenWorkerView {
  const builds = buildsAt(picture, seen, masterid);
  return {
    seen,
    name: seen.name,
    presence: seen.masterids.includes(masterid) ? "attached" : "absent",
    paused: seen.paused,
    quarantined: false,
    leaving: seen.graceful,
    slots: seen.maxBuilds ?? 1,
    builds: builds.length,
    directories: new Set(builds.map(({ builderid, directory }) => directory ?? unknownDirectory(builderid))),
  };
}

/** A builder of the rows, as this engine has it in its memory. */
export function viewBuilder(
  picture: Picture,
  { builderid, masterid, maxBuilds, directory }: BuilderPlacement,
): BuilderView {
  const running = (picture.buildsOfBuilder.get(builderid) ?? []).filter((build) => build.masterid === masterid);
  return {
    limit: maxBuilds,
    running: running.length,
    directory: directory ?? unknownDirectory(builderid),
    heldLocks: [],
    closedUntil: null,
  };
}

/** Stands for the directory of a builder that has not said which: no other builder's. */
const unknownDirectory = (builderid: number) => `/builder/${builderid}`;
