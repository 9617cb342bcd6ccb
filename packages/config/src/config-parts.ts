import { type ConfigCode, type Fingerprint, fingerprint } from "./fingerprint.ts";
import type { PluginDescriptor } from "./plugin.ts";
import type { LoadedParts } from "./slice-warnings.ts";
import { latentOptionsOf } from "./slices/latent-workers.ts";

/** The kinds of named things in a config. An option is named by its path, such as `workers.port`. */
export const partKinds = [
  "builder",
  "secret",
  "secret provider",
  "scheduler",
  "change source",
  "reporter",
  "retention",
  "worker",
  "latent worker",
  "hook",
  "login",
  "rights",
  "option",
] as const;

export type PartKind = (typeof partKinds)[number];

/** A named thing of a config, and what it is. */
export interface ConfigPart extends Fingerprint {
  readonly kind: PartKind;
  readonly name: string;
}

/** How a named thing of a config differs from what it was. */
export interface ConfigChange {
  readonly change: "added" | "changed" | "removed";
  readonly kind: PartKind;
  readonly name: string;
  /** It is written as before, but its functions may do otherwise: the config's files have changed. */
  readonly byCode: boolean;
}

/** Slices of the shared part: they are compared by what is in them. */
const slices = ["scheduler", "builders", "workers", "ui"];

/** The named things in the loaded parts of a config, with what the config says of each. */
export function listParts(parts: LoadedParts, code: ConfigCode): ConfigPart[] {
  const { shared, scheduler, workers, ui, builders } = parts;
  const part = (kind: PartKind, name: string, value: unknown): ConfigPart => ({
    kind,
    name,
    ...fingerprint(value, code),
  });
  const named = (kind: PartKind, given: readonly unknown[] | undefined, names: readonly string[]) =>
    names.map((name, i) => part(kind, name, given?.[i]));
  // Options as loaded: a default that is written out changes nothing.
  const options = (path: string, all: object, others: readonly string[]) =>
    Object.entries(all).flatMap(([name, value]) =>
      others.includes(name) || value === undefined ? [] : [part("option", `${path}${name}`, value)],
    );
  const ownName = ({ options }: Pick<PluginDescriptor, "options">) => (options as { name: string }).name;

  return [
    ...options("", shared.slice, slices),
    ...[...builders].flatMap(([set, { slice, given }]) => [
      ...named(
        "builder",
        given.builders,
        slice.builders.map(({ name }) => name),
      ),
      ...Object.entries(slice.secrets).map(([name, value]) => part("secret", `${set}.${name}`, value)),
      ...slice.secretProviders.map(({ plugin, options }, i) =>
        part("secret provider", `${set}.${plugin.namesOf(options).join(",")}`, given.secretProviders?.[i]),
      ),
    ]),
    ...(scheduler
      ? [
          ...named("scheduler", scheduler.given.schedulers, scheduler.slice.schedulers.map(ownName)),
          ...named(
            "change source",
            scheduler.given.changeSources,
            scheduler.slice.changeSources.map((one) => one.plugin.nameOf?.(one.options) ?? ownName(one)),
          ),
          ...named("reporter", scheduler.given.reporters, scheduler.slice.reporters.map(ownName)),
          ...(scheduler.slice.retention ? [part("retention", "rules", scheduler.slice.retention)] : []),
        ]
      : []),
    ...(workers
      ? [
          ...named(
            "worker",
            workers.given.workers,
            workers.slice.workers.map(({ name }) => name),
          ),
          ...named(
            "latent worker",
            workers.given.latent,
            workers.slice.latent.map((one) => latentOptionsOf(one).name),
          ),
          ...options("workers.", workers.slice, ["workers", "latent"]),
        ]
      : []),
    ...(ui
      ? [
          ...named(
            "hook",
            ui.given.hooks,
            (ui.slice.hooks ?? []).map(({ plugin }) => plugin.type),
          ),
          ...(ui.slice.auth ? [part("login", ui.slice.auth.plugin.type, ui.given.auth)] : []),
          ...(ui.slice.authorization ? [part("rights", "authorization", ui.slice.authorization)] : []),
          ...options("ui.", ui.slice, ["hooks", "auth", "authorization"]),
        ]
      : []),
  ];
}

/** What is named in a config and its code. */
export interface ComparedConfig {
  readonly hash: string;
  parts(): readonly ConfigPart[];
}

/** How one loaded config differs from another, by kind and name. */
export function compareConfigs(before: ComparedConfig, after: ComparedConfig): ConfigChange[] {
  const key = ({ kind, name }: ConfigPart) => `${kind} ${name}`;
  const known = new Map(before.parts().map((part) => [key(part), part]));
  const sameFiles = before.hash === after.hash;
  const changes: ConfigChange[] = [];
  for (const part of after.parts()) {
    const { kind, name } = part;
    const old = known.get(key(part));
    known.delete(key(part));
    if (old === undefined) changes.push({ change: "added", kind, name, byCode: false });
    else if (old.hash !== part.hash) changes.push({ change: "changed", kind, name, byCode: false });
    else if (part.hasCode && !sameFiles) changes.push({ change: "changed", kind, name, byCode: true });
  }
  for (const { kind, name } of known.values()) changes.push({ change: "removed", kind, name, byCode: false });
  return changes.sort((a, b) => partKinds.indexOf(a.kind) - partKinds.indexOf(b.kind));
}
