import type { Json } from "@multimaster/core";
import type { Engine, Picture, Place, RunningBuild, WorkerSeen } from "./read-picture.ts";
import { because, listNames, type Reason } from "./reasons.ts";

/**
 * Why the requests of a builder are not being built: what keeps each engine from starting one, or that one is about to.
 * It judges as the distributor of an engine does, from the rows of all of them.
 */
export function explainBuilder(picture: Picture, builderid: number): Reason[] {
  const having = (picture.places.get(builderid) ?? []).flatMap((place) => {
    const engine = picture.engines.get(place.masterid);
    return engine ? [{ place, engine }] : [];
  });
  const live = having.filter(({ engine }) => engine.alive);
  if (live.length === 0) return [explainNoEngine(having.map(({ engine }) => engine))];
  const draining = live.filter(({ engine }) => engine.draining).map(({ engine }) => explainDraining(engine));
  const open = live.filter(({ engine }) => !engine.draining);
  const perEngine = open.map(({ place, engine }) => explainPlace(picture, place, engine));
  const claiming = perEngine.flatMap(({ free }) => free ?? []);
  if (claiming.length > 0) return claiming.slice(0, 1);
  const absent = open.length === 0 ? [] : explainAbsent(picture, open);
  return [...shorten(absent), ...perEngine.flatMap(({ reasons }) => shorten(reasons)), ...draining];
}

/** As many of one kind as people read; the rest is a number. */
const mostOfKind = 5;

function shorten(reasons: readonly Reason[]): Reason[] {
  const seen = new Map<string, number>();
  for (const { kind } of reasons) seen.set(kind, (seen.get(kind) ?? 0) + 1);
  const shown = new Map<string, number>();
  return reasons.flatMap((reason) => {
    const { kind } = reason;
    const nth = (shown.get(kind) ?? 0) + 1;
    shown.set(kind, nth);
    if (nth <= mostOfKind) return reason;
    const more = (seen.get(kind) ?? 0) - mostOfKind;
    const sentence = more === 1 ? "1 more worker likewise." : `${more} more workers likewise.`;
    return nth === mostOfKind + 1 ? { kind, sentence, facts: { more } } : [];
  });
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
function explainPlace(picture: Picture, place: Place, engine: Engine): { free?: Reason; reasons: Reason[] } {
  const { masterid, name: master } = engine;
  const running = picture.buildsOfBuilder.get(place.builderid) ?? [];
  const here = running.filter((build) => build.masterid === masterid);
  if (place.maxBuilds !== null && here.length >= place.maxBuilds) {
    const sentence = `${master} runs as many builds of this builder as it may (${place.maxBuilds}).`;
    const facts = { masterid, master, max_builds: place.maxBuilds, builds: here.map(showBuild) };
    return { reasons: [because("max_builds", sentence, facts)] };
  }
  const reasons: Reason[] = [];
  for (const worker of attachedTo(picture, place)) {
    const reason = explainWorker(picture, place, engine, worker);
    if (reason === undefined) {
      const sentence = `${worker.name} is free on ${master}, which is about to claim it.`;
      return { free: because("claiming", sentence, { masterid, master, ...named(worker) }), reasons };
    }
    reasons.push(reason);
  }
  return { reasons };
}

function attachedTo(picture: Picture, place: Place): WorkerSeen[] {
  return workersOf(picture, place).filter(({ masterids }) => masterids.includes(place.masterid));
}

function workersOf(picture: Picture, place: Place): WorkerSeen[] {
  return place.workerids.flatMap((id) => picture.workers.get(id) ?? []);
}

/** Undefined: it could build now. */
function explainWorker(
  picture: Picture,
  place: Place,
  { masterid, name: master }: Engine,
  worker: WorkerSeen,
): Reason | undefined {
  const facts = { masterid, master, ...named(worker) };
  const { name } = worker;
  if (worker.paused) {
    const why = worker.pauseReason === null || worker.pauseReason === "" ? "" : `: ${worker.pauseReason}`;
    return because("worker_paused", `${name} is paused${why}.`, { ...facts, reason: worker.pauseReason });
  }
  if (worker.graceful) return because("worker_graceful", `${name} is being shut down and takes no more builds.`, facts);
  const running = picture.buildsOnWorker.get(worker.workerid) ?? [];
  const builds = running.filter((build) => build.masterid === masterid);
  const most = worker.maxBuilds ?? 1;
  if (builds.length >= most) {
    const what = listNames(builds.map(nameBuild));
    return because("worker_busy", `${name} is busy with ${what} on ${master}.`, {
      ...facts,
      max_builds: worker.maxBuilds,
      builds: builds.map(showBuild),
    });
  }
  const sharing = builds.find(
    (build) => build.builderid === place.builderid || (place.directory !== null && build.directory === place.directory),
  );
  if (!sharing) return undefined;
  return because("directory_in_use", `${nameBuild(sharing)} builds in the same directory of ${name}.`, {
    ...facts,
    directory: place.directory,
    builds: [showBuild(sharing)],
  });
}

/** The workers that are configured and attached to none of the engines that have the builder. */
function explainAbsent(picture: Picture, open: readonly { place: Place; engine: Engine }[]): Reason[] {
  const configured = new Map(open.flatMap(({ place }) => workersOf(picture, place).map((w) => [w.workerid, w])));
  const masterids = new Set(open.map(({ engine }) => engine.masterid));
  const all = [...configured.values()];
  const absent = all.filter((worker) => !worker.masterids.some((id) => masterids.has(id)));
  const away = absent.filter(({ masterids: at }) => at.length === 0);
  const elsewhere = absent.filter(({ masterids: at }) => at.length > 0);
  const reasons = elsewhere.map((worker) => {
    const masters = worker.masterids.map((id) => picture.engines.get(id)?.name ?? String(id));
    const sentence = `${worker.name} is attached to ${listNames(masters)}, which does not start builds of this builder.`;
    return because("worker_elsewhere", sentence, { ...named(worker), masters });
  });
  if (away.length === 0 && all.length > 0) return reasons;
  const names = { configured: all.map(({ name }) => name), away: away.map(({ name }) => name) };
  const list = listNames(names.away);
  if (all.length === 0) return [because("no_worker", "No worker is configured for this builder.", names)];
  if (absent.length === all.length) {
    const sentence = `None of its workers is attached: ${list} ${away.length > 1 ? "are" : "is"} away.`;
    return [because("no_worker", sentence, names), ...reasons];
  }
  const sentence = `${list} ${away.length > 1 ? "are" : "is"} not attached.`;
  return [...reasons, because("worker_away", sentence, names)];
}

const named = ({ workerid, name }: WorkerSeen) => ({ workerid, worker: name });

const nameBuild = ({ builder, number }: RunningBuild) => `${builder} #${number}`;

function showBuild({ buildid, number, builderid, builder }: RunningBuild): Json {
  return { buildid, number, builderid, builder };
}
