import type { ConfigWarning } from "./config-warning.ts";
import type { PluginDescriptor } from "./plugin.ts";
import { namesIn, secretNameOf, templateIn } from "./renderable.ts";

const deepest = 20;

/** The secrets that a value of a config uses by `secret` or `interpolate`, however deep; not what other functions ask for. */
export function secretsIn(value: unknown, found = new Set<string>(), depth = 0): Set<string> {
  if (depth > deepest) return found;
  if (typeof value === "function") {
    const name = secretNameOf(value);
    if (name !== undefined) found.add(name);
    for (const part of namesIn(templateIn(value) ?? "")) if (part.kind === "secret") found.add(part.name);
  } else if (Array.isArray(value)) for (const item of value) secretsIn(item, found, depth + 1);
  else if (typeof value === "object" && value !== null && isPlain(value))
    for (const item of Object.values(value)) secretsIn(item, found, depth + 1);
  return found;
}

const isPlain = (value: object) => [Object.prototype, null].includes(Object.getPrototypeOf(value));

/** As much of a builder set as says which secrets there are, and which are used. */
interface SecretUses {
  readonly secrets: Readonly<Record<string, string>>;
  readonly secretProviders: readonly PluginDescriptor<"secret-provider">[];
  readonly builders: readonly { readonly env: object; readonly steps: readonly PluginDescriptor<"step">[] }[];
}

/** Secrets that are used and are not there. */
export function warningsOfSecrets({ secrets, secretProviders, builders }: SecretUses): ConfigWarning[] {
  const known = new Set([
    ...Object.keys(secrets),
    ...secretProviders.flatMap(({ plugin, options }) => plugin.namesOf(options)),
  ]);
  return builders.flatMap(({ env, steps }, i) =>
    [...secretsIn([env, steps.map(({ options }) => options)])]
      .filter((name) => !known.has(name))
      .map((name) => ({
        path: ["builders", i],
        sentence: `there is no secret "${name}"; a step that uses it fails (have: ${[...known].join(", ") || "none"})`,
      })),
  );
}
