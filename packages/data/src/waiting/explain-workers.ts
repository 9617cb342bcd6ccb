import { judgeWorker } from "@multimaster/placement";
import { findWorker, named } from "./describe-obstacle.ts";
import { explainLatent } from "./explain-latent.ts";
import { describeSilence } from "./explain-silence.ts";
import type { BuilderPlacement } from "./read-builder-placements.ts";
import type { Engine, Picture, WorkerSeen } from "./read-picture.ts";
import { because, describeTime, listNames, type Reason } from "./reasons.ts";
import { type Finding, nameFacts, shorten } from "./shorten.ts";
import { type SeenWorkerView, viewWorker } from "./view-picture.ts";

/** How the workers of one list stand at one engine, whichever builder asks. */
export interface Standing {
  /** Why those that take no build do not. */
  readonly reasons: readonly Reason[];
  /** Those that take a build, if nothing about its builder forbids it. */
  readonly takers: readonly SeenWorkerView[];
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
  at(placement: BuilderPlacement, engine: Engine): Standing {
    const key = this.#key([placement]);
    const known = this.#standings.get(key);
    if (known) return known;
    const attached = workersOf(this.#picture, placement.workerids).filter(({ masterids }) =>
      masterids.includes(engine.masterid),
    );
    const findings: Finding[] = [];
    const takers: SeenWorkerView[] = [];
    for (const worker of attached) {
      const view = viewWorker(this.#picture, engine, worker);
      const obstacle = judgeWorker(view);
      if (obstacle) findings.push(findWorker(this.#picture, engine, worker, obstacle));
      else takers.push(view);
    }
    const standing = { reasons: shorten(findings), takers };
    this.#standings.set(key, standing);
    return standing;
  }

  /** Why those that are attached to none of these engines are of no use. */
  absent(placements: readonly BuilderPlacement[]): readonly Reason[] {
    const key = this.#key(placements);
    const known = this.#absences.get(key);
    if (known) return known;
    const reasons = explainAbsent(this.#picture, placements);
    this.#absences.set(key, reasons);
    return reasons;
  }

  #key(placements: readonly BuilderPlacement[]): string {
    return placements.map(({ workerids, masterid }) => `${this.#numberOf(workerids)} ${masterid}`).join();
  }

  #numberOf(workerids: readonly number[]): number {
    const number = this.#numbers.get(workerids) ?? this.#numbers.size;
    this.#numbers.set(workerids, number);
    return number;
  }
}

/** The workers that are configured and attached to none of the engines that have the builder. */
function explainAbsent(picture: Picture, placements: readonly BuilderPlacement[]): Reason[] {
  const workerids = new Set([...new Set(placements.map(({ workerids }) => workerids))].flat());
  const masterids = new Set(placements.map(({ masterid }) => masterid));
  const configured = workersOf(picture, [...workerids]);
  // All instances of a latent worker have its hours.
  const latents = new Map(configured.flatMap(({ latent, closedUntil }) => (latent ? [[latent, closedUntil]] : [])));
  const ofLatents = [...latents].flatMap(([name, closedUntil]) => {
    const latent = picture.latents.get(name);
    return latent ? [explainLatent(latent, closedUntil)] : [];
  });
  // Of latent workers those that are away are no machines that someone could connect.
  const all = configured.filter(({ latent, masterids: at }) => latent === undefined || at.length > 0);
  if (all.length === 0 && configured.length > 0) return ofLatents;
  return [...explainAbsentAmong(picture, all, masterids), ...ofLatents];
}

function explainAbsentAmong(picture: Picture, all: readonly WorkerSeen[], masterids: ReadonlySet<number>): Reason[] {
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
    const sentence = `None of its workers is attached: ${list} ${away.length > 1 ? "are" : "is"} away.${sayRevoked(away)}`;
    return [because("no_worker", sentence, facts), ...reasons];
  }
  const sentence = `${list} ${away.length > 1 ? "are" : "is"} not attached.${sayRevoked(away)}`;
  return [...reasons, because("worker_away", sentence, facts)];
}

/** Those that cannot attach again until someone adds them again. */
function sayRevoked(workers: readonly WorkerSeen[]): string {
  const revoked = workers.filter(({ revokedAt }) => revokedAt !== undefined);
  const [first, ...others] = revoked;
  if (first?.revokedAt === undefined) return "";
  const when = others.length === 0 ? ` at ${describeTime(first.revokedAt)}` : "";
  const accounts = others.length === 0 ? "The account of" : "The accounts of";
  return ` ${accounts} ${listNames(revoked.map(({ name }) => name))} ${others.length === 0 ? "was" : "were"} revoked${when}.`;
}

function explainElsewhere(picture: Picture, worker: WorkerSeen): Reason {
  const engines = worker.masterids.flatMap((id) => picture.engines.get(id) ?? []);
  const masters = worker.masterids.map((id) => picture.engines.get(id)?.name ?? String(id));
  const sentence = `${worker.name} is attached to ${listNames(masters)}, ${describeElsewhere(engines)}.`;
  return because("worker_elsewhere", sentence, { ...named(worker), masters });
}

/** Why masters that may well have the builder start nothing: the first that is known. */
function describeElsewhere(engines: readonly Engine[]): string {
  for (const { name, silence, leaseRemaining = 0, draining } of engines) {
    if (typeof silence === "number") return describeSilence({ name, silence, leaseRemaining });
    if (draining) return "which is draining and starts no builds";
  }
  return "which does not start builds of this builder";
}

function workersOf(picture: Picture, workerids: readonly number[]): WorkerSeen[] {
  return workerids.flatMap((id) => picture.workers.get(id) ?? []);
}
