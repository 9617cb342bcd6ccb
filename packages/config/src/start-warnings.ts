import type { ConfigWarning } from "./config-warning.ts";
import type { BuilderConfig } from "./slices/builders.ts";
import { latentOptionsOf } from "./slices/latent-workers.ts";
import type { WorkersSlice } from "./slices/workers.ts";

const text = `"[^"]*"|'[^']*'`;
const parameters = String.raw`(?:\([^()]*\)|\w+)`;
const refusal = String.raw`(?:false|${text}|\(?\{\s*refused:\s*(?:${text})[^{}]*\}\)?)`;
const always = new RegExp(
  String.raw`^(?:async\s*)?(?:(?:function\s*\w*\s*|\w+)\([^()]*\)\s*\{\s*return ${refusal};?\s*\}|${parameters}\s*=>\s*(?:${refusal}|\{\s*return ${refusal};?\s*\}))$`,
);

/** Whether a function can only refuse, as far as its text shows. */
export function alwaysRefuses(fn: unknown): boolean {
  return typeof fn === "function" && always.test(fn.toString().trim());
}

const refuses = (path: ConfigWarning["path"], what: string): ConfigWarning => ({
  path,
  sentence: `refuses everything: ${what}; return true where a build may start`,
});

/** Rules of a builder by which nothing ever starts. */
export function warningsOfStartRules(builder: Pick<BuilderConfig, "name" | "canStart">, i: number): ConfigWarning[] {
  if (!alwaysRefuses(builder.canStart)) return [];
  return [refuses(["builders", i, "canStart"], `no request of "${builder.name}" ever starts`)];
}

/** Workers that take nothing. */
export function warningsOfAccepts({ workers }: Pick<WorkersSlice, "workers">): ConfigWarning[] {
  return workers.flatMap(({ name, accepts }, i) =>
    alwaysRefuses(accepts) ? [refuses(["workers", i, "accepts"], `no request is ever built on "${name}"`)] : [],
  );
}

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
    const most = Math.max(0, ...limits);
    if (limits.length < known.length || weight <= most) return [];
    const sentence = `is ${weight}, and the largest capacity of its workers is ${most}: no build of "${name}" ever starts`;
    return [{ path: ["builders", i, "weight"], sentence }];
  });
}
