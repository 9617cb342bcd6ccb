import { findGreatest } from "@multimaster/core";
import type { ConfigWarning } from "./config-warning.ts";
import type { BuilderConfig } from "./slices/builders.ts";
import { latentOptionsOf } from "./slices/latent-workers.ts";
import type { WorkersSlice } from "./slices/workers.ts";
import type { RuledWorker } from "./start-warnings.ts";

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

/** Capacities that keep no build away: the worker takes one at a time anyway, and there is room for each of them. */
export function warningsOfCapacities(
  builders: readonly Pick<BuilderConfig, "name" | "weight" | "workers">[],
  { workers, latent }: Pick<WorkersSlice, "workers" | "latent">,
): ConfigWarning[] {
  const heaviest = new Map<string, number>();
  for (const { weight, workers: names } of builders)
    for (const name of names) heaviest.set(name, Math.max(weight, heaviest.get(name) ?? 0));
  const warn = ({ name, capacity, maxBuilds }: RuledWorker, path: ConfigWarning["path"]): ConfigWarning[] => {
    if (capacity === undefined || maxBuilds !== 1 || (heaviest.get(name) ?? 0) > capacity) return [];
    const sentence = `limits nothing: "${name}" takes one build at a time, since its "maxBuilds" is 1, and none of its builders weighs more than ${capacity}`;
    return [{ path, sentence }];
  };
  return [
    ...workers.flatMap((worker, i) => warn(worker, ["workers", i, "capacity"])),
    ...latent.flatMap(({ options }, i) => warn(options as RuledWorker, ["latent", i, "capacity"])),
  ];
}
