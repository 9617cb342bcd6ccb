import { buildsAt, nameBuild, named, showBuilds, type WorkerStandings } from "./explain-workers.ts";
import type { Engine, Picture, WorkerSeen } from "./read-picture.ts";
import type { Place } from "./read-places.ts";
import { because, listNames, type Reason } from "./reasons.ts";
import { type Finding, shorten } from "./shorten.ts";

/**
 * Why the requests of a builder are not being built: what keeps each engine from starting one, or that one is about to.
 * It judges as the distributor of an engine does, from the rows of all of them.
 */
export function explainBuilder(picture: Picture, standings: WorkerStandings, builderid: number): Reason[] {
  const having = (picture.places.get(builderid) ?? []).flatMap((place) => {
    const engine = picture.engines.get(place.masterid);
    return engine ? [{ place, engine }] : [];
  });
  const live = having.filter(({ engine }) => engine.alive);
  if (live.length === 0) return [explainNoEngine(having.map(({ engine }) => engine))];
  const draining = live.filter(({ engine }) => engine.draining).map(({ engine }) => explainDraining(engine));
  const open = live.filter(({ engine }) => !engine.draining);
  const perEngine: (readonly Reason[])[] = [];
  for (const { place, engine } of open) {
    const { free, reasons } = explainPlace(picture, standings, place, engine);
    if (free) return [free];
    perEngine.push(reasons);
  }
  const absent = open.length === 0 ? [] : standings.absent(open.map(({ place }) => place));
  return [...absent, ...perEngine.flat(), ...draining];
}

function explainNoEngine(gone: readonly Engine[]): Reason {
  if (gone.length === 0) return because("no_engine", "No live master has this builder.");
  const masters = gone.map(({ name }) => name);
  const sentence = `${listNames(masters)} had this builder and ${masters.length > 1 ? "do" : "does"} not answer any more.`;
  return because("engine_lost", sentence, { masters });
}

function explainDraining({ masterid, name }: Engine): Reason {
  return because("master_draining", `The master ${name} is draining and starts no builds.`, { masterid, master: name });
}

/** What keeps one engine from starting a build; `free` when nothing does. */
function explainPlace(
  picture: Picture,
  standings: WorkerStandings,
  place: Place,
  engine: Engine,
): { free?: Reason; reasons: readonly Reason[] } {
  const { masterid, name: master } = engine;
  const running = picture.buildsOfBuilder.get(place.builderid) ?? [];
  const here = running.filter((build) => build.masterid === masterid);
  if (place.maxBuilds !== null && here.length >= place.maxBuilds) {
    const sentence = `${master} runs as many builds of this builder as it may (${place.maxBuilds}).`;
    const facts = { masterid, master, max_builds: place.maxBuilds, builds: showBuilds(here) };
    return { reasons: [because("max_builds", sentence, facts)] };
  }
  const { reasons, open } = standings.at(place, engine);
  const sharing: Finding[] = [];
  for (const worker of open) {
    const finding = findSharing(picture, place, engine, worker);
    if (finding === undefined) {
      const sentence = `${worker.name} is free on ${master}, which is about to claim it.`;
      return { free: because("claiming", sentence, { masterid, master, ...named(worker) }), reasons };
    }
    sharing.push(finding);
  }
  return { reasons: [...reasons, ...shorten(sharing)] };
}

/** A build of the worker that uses the directory in which this builder would build. */
function findSharing(
  picture: Picture,
  place: Place,
  { masterid, name: master }: Engine,
  worker: WorkerSeen,
): Finding | undefined {
  const sharing = buildsAt(picture, worker, masterid).find(
    (build) => build.builderid === place.builderid || (place.directory !== null && build.directory === place.directory),
  );
  if (!sharing) return undefined;
  const describe = () =>
    because("directory_in_use", `${nameBuild(sharing)} builds in the same directory of ${worker.name}.`, {
      masterid,
      master,
      ...named(worker),
      directory: place.directory,
      builds: showBuilds([sharing]),
    });
  return { kind: "directory_in_use", describe };
}
