import { findGreatest } from "@multimaster/core";
import type { ConfigWarning } from "./config-warning.ts";
import type { BuilderConfig } from "./slices/builders.ts";
import { latentOptionsOf } from "./slices/latent-workers.ts";
import type { WorkersSlice } from "./slices/workers.ts";

/** Builders of which a build is too much for every one of their workers. */
export function warningsOfWeights(
  builders: readonly Pick<BuilderConfig, "name" | "weight" | "workers">[],
  { workers, latent }: Pick<WorkersSlice, "workers" | "latent">,
): ConfigWarning[] {
  const latents = new Set(latent.map((descriptor) => latentOptionsOf(descriptor).name));
  const capacities = new Map(workers.map(({ name, capacity }) => [name, capacity]));
  return builders.flatMap(({ name, weight, workers: names }, i) => {
    // One that has no capacity takes any sum, and so does one that is added at run time.
    const known = names.map((one) => (latents.has(one) ? undefined : capacities.get(one)));
    const limits = known.filter((capacity) => capacity !== undefined);
    const most = findGreatest(limits, (limit) => limit) ?? 0;
    if (limits.length < known.length || weight <= most) return [];
    const sentence = `is ${weight}, and the largest capacity of its workers is ${most}: no build of "${name}" ever starts`;
    return [{ path: ["builders", i, "weight"], sentence }];
  });
}
