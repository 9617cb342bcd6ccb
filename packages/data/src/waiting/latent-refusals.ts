import type { BuilderPlacement } from "./read-builder-placements.ts";
import type { Engine, Picture } from "./read-picture.ts";
import { because, describeAsking, type Reason } from "./reasons.ts";

interface Having {
  readonly placement: BuilderPlacement;
  readonly engine: Engine;
}

/**
 * Why latent workers give no instance to this builder or request in particular, by their names: then it does not matter how
 * they stand. One that some engine would start for it is left out.
 */
export function refusalsOfLatents(
  picture: Picture,
  having: readonly Having[],
  requestId: number | undefined,
): ReadonlyMap<string, Reason> {
  const refusals = new Map<string, Reason>();
  if (picture.latents.size === 0) return refusals;
  const giving = new Set<string>();
  for (const one of having)
    for (const [latent, { first, capacity }] of latentsOf(picture, one.placement)) {
      const reason = explainWeight(one, latent, capacity) ?? explainRefusal(picture, one, latent, first, requestId);
      if (reason === undefined) giving.add(latent);
      else if (!refusals.has(latent)) refusals.set(latent, reason);
    }
  for (const latent of giving) refusals.delete(latent);
  return refusals;
}

/** The latent workers of a builder, with the first of their workers that it names, and what each instance has. */
function latentsOf(picture: Picture, { workerids }: BuilderPlacement) {
  const latents = new Map<string, { readonly first: number; readonly capacity: number | null }>();
  for (const id of workerids) {
    const { latent, capacity = null } = picture.workers.get(id) ?? {};
    if (latent === undefined) continue;
    latents.set(latent, { first: Math.min(id, latents.get(latent)?.first ?? id), capacity });
  }
  return latents;
}

function explainWeight({ placement }: Having, latent: string, capacity: number | null): Reason | undefined {
  const { weight = 1 } = placement;
  if (capacity === null || weight <= capacity) return undefined;
  const sentence = `An instance of the latent worker ${latent} has a capacity of ${capacity}; this builder needs ${weight}.`;
  return because("worker_load", sentence, { latent, weight, capacity });
}

function explainRefusal(
  { refusals }: Picture,
  { placement, engine }: Having,
  latent: string,
  first: number,
  requestId: number | undefined,
): Reason | undefined {
  const row = requestId === undefined ? undefined : refusals.findOfLatent(placement, first, requestId);
  if (!row) return undefined;
  const { masterid, name: master } = engine;
  const { why, option, until } = row;
  const sentence = `"${option}" of the config of ${master} refuses instances of the latent worker ${latent} for it: ${why}${describeAsking(until)}.`;
  return because("refused", sentence, { masterid, master, latent, why, option, until });
}
