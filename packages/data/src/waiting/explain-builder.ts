import { judgeEngine, type PairObstacle, place } from "@multimaster/placement";
import { describeBuilderObstacle, findPair, named } from "./describe-obstacle.ts";
import { explainSilence } from "./explain-silence.ts";
import type { WorkerStandings } from "./explain-workers.ts";
import { joinLocked } from "./join-locked.ts";
import { refusalsOfLatents } from "./latent-refusals.ts";
import type { BuilderPlacement } from "./read-builder-placements.ts";
import type { Engine, Picture } from "./read-picture.ts";
import { because, listNames, type Reason } from "./reasons.ts";
import { shorten } from "./shorten.ts";
import { viewBuilder } from "./view-picture.ts";

/**
 * Why the requests of a builder are not being built: what keeps each engine from starting one, or that one is about to.
 * The decision is `place`, which the distributor of an engine asks too, here about the rows of all engines.
 * `explainRequestAt` says why an engine does not start one request, whatever its builder.
 */
export function explainBuilder(
  picture: Picture,
  standings: WorkerStandings,
  builderid: number,
  explainRequestAt: (masterid: number) => Reason | undefined = () => undefined,
  requestId?: number,
): Reason[] {
  const having = (picture.placements.get(builderid) ?? []).flatMap((placement) => {
    const engine = picture.engines.get(placement.masterid);
    return engine ? [{ placement, engine, obstacle: judgeEngine(engine) }] : [];
  });
  const live = having.filter(({ obstacle }) => obstacle?.kind !== "engine_lost");
  if (live.length === 0) return [explainNoEngine(having.map(({ engine }) => engine))];
  const draining = live.filter(({ obstacle }) => obstacle !== undefined).map(({ engine }) => explainDraining(engine));
  const open = live.filter(({ obstacle }) => obstacle === undefined);
  const perEngine: (readonly Reason[])[] = [];
  const silences: Reason[] = [];
  for (const { placement, engine } of open) {
    const ofRequest = explainRequestAt(engine.masterid);
    const { silence, leaseRemaining = 0 } = engine;
    if (typeof silence === "number") silences.push(explainSilence({ ...engine, silence, leaseRemaining }));
    if (ofRequest) {
      perEngine.push([ofRequest]);
      continue;
    }
    const { free, reasons } = explainPlacement(picture, standings, placement, engine, requestId);
    if (!free) perEngine.push(reasons);
    else if (typeof silence !== "number") return [free];
  }
  const absent = open.length === 0 ? [] : standings.absent(open.map(({ placement }) => placement));
  const refusals = refusalsOfLatents(picture, open, requestId);
  const ofOthers = absent.map((reason) => refusals.get(latentIn(reason) ?? "") ?? reason);
  return [...silences, ...ofOthers, ...joinLocked(perEngine.flat()), ...draining];
}

const latentIn = ({ facts }: Reason) => (facts as { readonly latent?: string } | null)?.latent;

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
function explainPlacement(
  picture: Picture,
  standings: WorkerStandings,
  placement: BuilderPlacement,
  engine: Engine,
  requestId: number | undefined,
): { free?: Reason; reasons: readonly Reason[] } {
  const { reasons, takers } = standings.at(placement, engine);
  const placed = place(viewBuilder(picture, placement), takers, requestId);
  if (placed.kind === "placed") {
    const { masterid, name: master } = engine;
    const [own] = picture.locks.ofBuilder(placement.builderid, masterid);
    const lock = own ?? picture.locks.behindAll(picture.refusals.lockOf(placement, 0));
    if (lock) return { reasons: [describeBuilderObstacle(picture, placement, engine, { kind: "locked", lock })] };
    const next = placement.asks === true ? "asks the config whether it may start there" : "is about to claim it";
    const sentence = `${placed.worker.name} is free on ${master}, which ${next}.`;
    return { free: because("claiming", sentence, { masterid, master, ...named(placed.worker.seen) }), reasons };
  }
  if (placed.kind === "builder_waits")
    return {
      reasons: placed.obstacles.map((obstacle) => describeBuilderObstacle(picture, placement, engine, obstacle)),
    };
  // Of those that take builds, none has an obstacle of its own.
  const findings = placed
    .obstacles()
    .map(({ worker, obstacle }) => findPair(picture, placement, engine, worker.seen, obstacle as PairObstacle));
  return { reasons: [...reasons, ...shorten(findings)] };
}
