import { append } from "@multimaster/core";
import { environmentOf } from "./classes/programs.ts";
import { secretProviders } from "./classes/workers.ts";
import {
  asSpecial,
  type BuildbotDocument,
  type BuilderValue,
  entriesOf,
  isSpecial,
  textsOf,
  type Value,
  type Values,
} from "./document.ts";
import { lockUses } from "./locks.ts";
import { translateParts } from "./parts.ts";
import { plainCode } from "./rules.ts";
import type { Scope } from "./scope.ts";
import { type Code, type Entry, literal, object, print, variableOf } from "./source-file.ts";
import { translateStep } from "./steps.ts";
import { describe, todo } from "./values.ts";

/** What Buildbot makes by itself for its janitor: `retention` is in its place. */
export const isJanitors = (name: Value | undefined): boolean => name === "__Janitor" || name === "__Janitor_force";

/** The builder set: all builders, and the secrets that their steps use. Steps that several builders have are defined before. */
export function buildersSlice(
  document: BuildbotDocument,
  scope: Scope,
): { readonly code: Code; readonly definitions: readonly string[] } {
  const translated = document.builders
    .filter(({ args }) => !isJanitors(args["name"]))
    .map((builder) => translateBuilder(builder, document, scope));
  const { definitions, lists } = shareSteps(translated);
  const builders = translated.map(({ entries }, i) => object([...entries, ["steps", lists[i] ?? { list: [] }]]));
  const { secrets } = scope;
  const providers = secrets.asked.size === 0 ? [] : providersOf(document, scope);
  const code: Code = {
    call: scope.file.named("defineBuilders"),
    args: [
      object([
        secrets.ofSteps.size === 0
          ? undefined
          : [
              "secrets",
              object(
                [...secrets.ofSteps].map((name) => [
                  name,
                  { call: scope.file.named("envSecret"), args: [literal(name)] },
                ]),
              ),
            ],
        providers.length === 0 ? undefined : ["secretProviders", { list: providers }],
        ["builders", { list: builders }],
      ]),
    ],
  };
  return { code, definitions };
}

interface TranslatedBuilder {
  readonly name: string;
  readonly entries: readonly Entry[];
  readonly steps: Code;
}

/** The steps of each builder; a constant for those that several builders have, as they share a factory in Buildbot. */
function shareSteps(builders: readonly TranslatedBuilder[]): { definitions: string[]; lists: Code[] } {
  const texts = builders.map(({ steps }) => print(steps));
  const uses = new Map<string, number>();
  for (const text of texts) uses.set(text, (uses.get(text) ?? 0) + 1);
  const names = new Map<string, string>();
  for (const [i, text] of texts.entries())
    if ((uses.get(text) ?? 0) > 1 && text.includes("\n") && !names.has(text))
      names.set(text, variableOf(`steps of ${builders[i]?.name}`, new Set(names.values())));
  const definitions = [...names].map(([text, name]) => `const ${name} = ${text};`);
  return { definitions, lists: builders.map(({ steps }, i) => names.get(texts[i] ?? "") ?? steps) };
}

function providersOf(document: BuildbotDocument, scope: Scope): Code[] {
  const translated = translateParts(
    document.secretProviders,
    {
      noun: "secret provider",
      mappings: secretProviders,
      instead: () => "see docs/secrets.md for providers; the secrets may also be in the environment",
    },
    scope,
  );
  return translated.map(({ code }) => code);
}

function translateBuilder(
  { args, at, steps, workdir }: BuilderValue,
  { properties, settings }: BuildbotDocument,
  scope: Scope,
): TranslatedBuilder {
  const name = textsOf(args["name"])?.[0] ?? "unknown";
  const where = `builder ${JSON.stringify(name)}`;
  const inner = scope.begin(where, at, true);
  const entries: Entry[] = [
    ["name", literal(name)],
    ["workers", literal(textsOf(args["workernames"]) ?? [])],
    ...optionsOf(args, properties, name, inner),
    ...["logMaxSize", "logMaxTailSize"].flatMap((key): Entry[] =>
      typeof settings[key] === "number" ? [[key, literal(settings[key])]] : [],
    ),
  ];
  const translated = steps.map((step) =>
    translateStep(
      step,
      inner.begin(`${where}, step ${JSON.stringify(step.name ?? step.class)}`, step.at, true),
      workdir,
    ),
  );
  return { name, entries, steps: { list: translated } };
}

function optionsOf(args: Values, shared: Values, name: string, scope: Scope): Entry[] {
  const entries: Entry[] = [];
  const add = (key: string, code: Code | undefined) => {
    if (code !== undefined) entries.push([key, code]);
  };
  const data = (key: string, value: Value | undefined) =>
    value === undefined || value === null ? undefined : plainCode(value, scope, key);
  for (const key of ["description", "project"]) add(key, data(key, args[key]));
  if (Array.isArray(args["tags"]) && args["tags"].length > 0) add("tags", literal(args["tags"]));
  if (typeof args["workerbuilddir"] === "string" && args["workerbuilddir"] !== usualDirectory(name))
    add("builddir", literal(args["workerbuilddir"]));
  if (args["env"] !== undefined) append(entries, environmentOf(args["env"], scope));
  const properties = { ...shared, ...entriesOf(args["defaultProperties"]), ...entriesOf(args["properties"]) };
  if (Object.keys(properties).length > 0) add("properties", plainProperties(properties, scope));
  if (args["locks"] !== undefined) add("locks", lockUses(args["locks"], scope));
  append(entries, collapsing(args["collapseRequests"], scope));
  for (const [key, ours] of [
    ["nextWorker", "nextWorker"],
    ["nextBuild", "order"],
    ["canStartBuild", "canStart"],
  ] as const) {
    const own = args[key];
    // A function that only says yes asks for nothing.
    if (own !== undefined && own !== null && asSpecial(own, "function")?.reads?.value !== true)
      scope.todo(
        `its ${key} is ${describe(own)}`,
        `write ${ours}: docs/who-goes-first.md`,
        asSpecial(own, "function")?.at ?? scope.at,
      );
  }
  if (args["do_build_if"] !== undefined && args["do_build_if"] !== null)
    scope.todo("its do_build_if is a function", "begin with endBuild({ doStepIf: … })");
  return entries;
}

/** Buildbot's default of a directory's name. */
const usualDirectory = (name: string) => name.replace(/[^A-Za-z0-9_.-]/g, "_");

/** Properties are data: what follows from a build is left out. */
function plainProperties(properties: Values, scope: Scope): Code {
  const entries = Object.entries(properties).flatMap(([name, value]): Entry[] => {
    if (isSpecial(value) && value.is === "withheld") {
      scope.todo(`its property ${name} looks like a secret`, `use secret("${name}") in steps: properties are shown`);
      return [];
    }
    const code = plainCode(value, scope, name);
    return code === undefined ? [] : [[name, code]];
  });
  return object(entries);
}

/** `collapseRequests`: true, false, or a function. */
export function collapsing(value: Value | undefined, scope: Scope): Entry[] {
  if (value === undefined || value === null) return [];
  if (typeof value === "boolean") return [["collapseRequests", String(value)]];
  return [["collapseRequests", todo(value, scope, "collapseRequests", describe(value))]];
}
