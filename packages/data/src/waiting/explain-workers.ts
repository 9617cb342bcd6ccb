import type { Json } from "@multimaster/core";
import type { Engine, Picture, RunningBuild, WorkerSeen } from "./read-picture.ts";
import type { Place } from "./read-places.ts";
import { because, listNames, mostFacts, type Reason } from "./reasons.ts";
import { type Finding, nameFacts, shorten } from "./shorten.ts";

/** How the workers of one list stand at one engine, whichever builder asks. */
export interface Standing {
  /** Why those that take no build do not. */
  readonly reasons: readonly Reason[];
  /** Those that would take a build, if its directory is free. */
  readonly open: readonly WorkerSeen[];
}

/** Judges workers once for all builders that have the same ones; for one reading of the rows. */
export class WorkerStandings {
  #picture: Picture;
  #numbers = new Map<readonly number[], number>();
  #standings = new Map<string, Standing>();
  #absences = new Map<string, readonly Reason[]>();

  constructor(picture: Picture) {
    this.#picture = picture;
  }

  /** Of the workers that are attached to this engine. */
  at(place: Place, engine: Engine): Standing {
    const key = this.#key([place]);
    const known = this.#standings.get(key);
    if (known) return known;
    const attached = workersOf(this.#picture, place.workerids).filter(({ masterids }) =>
      masterids.includes(engine.masterid),
    );
    const judged = attached.map((worker) => ({ worker, finding: this.#judge(engine, worker) }));
    const standing = {
      reasons: shorten(judged.flatMap(({ finding }) => finding ?? [])),
      open: judged.flatMap(({ worker, finding }) => (finding ? [] : worker)),
    };
    this.#standings.set(key, standing);
    return standing;
  }

  /** Why those that are attached to none of these engines are of no use. */
  absent(places: readonly Place[]): readonly Reason[] {
    const key = this.#key(places);
    const known = this.#absences.get(key);
    if (known) return known;
    const reasons = explainAbsent(this.#picture, places);
    this.#absences.set(key, reasons);
    return reasons;
  }

  #key(places: readonly Place[]): string {
    return places.map(({ workerids, masterid }) => `${this.#numberOf(workerids)} ${masterid}`).join();
  }

  #numberOf(workerids: readonly number[]): number {
    const number = this.#numbers.get(workerids) ?? this.#numbers.size;
    this.#numbers.set(workerids, number);
    return number;
  }

  /** Undefined: it would take a build. */
  #judge({ masterid, name: master }: Engine, worker: WorkerSeen): Finding | undefined {
    const facts = { masterid, master, ...named(worker) };
    const { name } = worker;
    if (worker.paused) {
      const why = worker.pauseReason === null || worker.pauseReason === "" ? "" : `: ${worker.pauseReason}`;
      const describe = () =>
        because("worker_paused", `${name} is paused${why}.`, { ...facts, reason: worker.pauseReason });
      return { kind: "worker_paused", describe };
    }
    if (worker.graceful) {
      const sentence = `${name} is being shut down and takes no more builds.`;
      return { kind: "worker_graceful", describe: () => because("worker_graceful", sentence, facts) };
    }
    const builds = buildsAt(this.#picture, worker, masterid);
    if (builds.length < (worker.maxBuilds ?? 1)) return undefined;
    return {
      kind: "worker_busy",
      describe: () =>
        because("worker_busy", `${name} is busy with ${listNames(builds.map(nameBuild))} on ${master}.`, {
          ...facts,
          max_builds: worker.maxBuilds,
          builds: showBuilds(builds),
        }),
    };
  }
}

/** What this worker builds for one engine. */
export function buildsAt(picture: Picture, worker: WorkerSeen, masterid: number): readonly RunningBuild[] {
  return (picture.buildsOnWorker.get(worker.workerid) ?? []).filter((build) => build.masterid === masterid);
}

/** The workers that are configured and attached to none of the engines that have the builder. */
function explainAbsent(picture: Picture, places: readonly Place[]): Reason[] {
  const workerids = new Set([...new Set(places.map((place) => place.workerids))].flat());
  const masterids = new Set(places.map(({ masterid }) => masterid));
  const all = workersOf(picture, [...workerids]);
  const absent = all.filter((worker) => !worker.masterids.some((id) => masterids.has(id)));
  const away = absent.filter(({ masterids: at }) => at.length === 0);
  const elsewhere = absent.filter(({ masterids: at }) => at.length > 0);
  const reasons = shorten(
    elsewhere.map(
      (worker): Finding => ({
        kind: "worker_elsewhere",
        describe: () => explainElsewhere(picture, worker),
      }),
    ),
  );
  if (away.length === 0 && all.length > 0) return reasons;
  const namesOf = (workers: readonly WorkerSeen[]) => workers.map(({ name }) => name);
  const facts = nameFacts({ configured: namesOf(all), away: namesOf(away) });
  const list = listNames(namesOf(away));
  if (all.length === 0) return [because("no_worker", "No worker is configured for this builder.", facts)];
  if (absent.length === all.length) {
    const sentence = `None of its workers is attached: ${list} ${away.length > 1 ? "are" : "is"} away.`;
    return [because("no_worker", sentence, facts), ...reasons];
  }
  const sentence = `${list} ${away.length > 1 ? "are" : "is"} not attached.`;
  return [...reasons, because("worker_away", sentence, facts)];
}

function explainElsewhere(picture: Picture, worker: WorkerSeen): Reason {
  const masters = worker.masterids.map((id) => picture.engines.get(id)?.name ?? String(id));
  const sentence = `${worker.name} is attached to ${listNames(masters)}, which does not start builds of this builder.`;
  return because("worker_elsewhere", sentence, { ...named(worker), masters });
}

function workersOf(picture: Picture, workerids: readonly number[]): WorkerSeen[] {
  return workerids.flatMap((id) => picture.workers.get(id) ?? []);
}

export const named = ({ workerid, name }: WorkerSeen) => ({ workerid, worker: name });

export const nameBuild = ({ builder, number }: RunningBuild) => `${builder} #${number}`;

/** The first of many: a builder may have thousands of builds at once. */
export function showBuilds(builds: readonly RunningBuild[]): Json[] {
  return builds
    .slice(0, mostFacts)
    .map(({ buildid, number, builderid, builder }) => ({ buildid, number, builderid, builder }));
}
