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
import { type Code, type Entry, literal, object } from "./source-file.ts";
import { translateStep } from "./steps.ts";
import { describe, todo } from "./values.ts";

/** What Buildbot makes by itself for its janitor: `retention` is in its place. */
export const isJanitors = (name: Value | undefined): boolean => name === "__Janitor" || name === "__Janitor_force";

/** The builder set: all builders, and the secrets that their steps use. */
export function buildersSlice(document: BuildbotDocument, scope: Scope): Code {
  const builders = document.builders
    .filter(({ args }) => !isJanitors(args["name"]))
    .map((builder) => translateBuilder(builder, document.properties, scope));
  const { secrets } = scope;
  const providers = secrets.asked.size === 0 ? [] : providersOf(document, scope);
  return {
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

function translateBuilder({ args, at, steps, workdir }: BuilderValue, shared: Values, scope: Scope): Code {
  const name = textsOf(args["name"])?.[0] ?? "unknown";
  const where = `builder ${JSON.stringify(name)}`;
  const inner = scope.begin(where, at, true);
  const entries: Entry[] = [
    ["name", literal(name)],
    ["workers", literal(textsOf(args["workernames"]) ?? [])],
    ...optionsOf(args, shared, name, inner),
  ];
  const translated = steps.map((step) =>
    translateStep(
      step,
      inner.begin(`${where}, step ${JSON.stringify(step.name ?? step.class)}`, step.at, true),
      workdir,
    ),
  );
  entries.push(["steps", { list: translated }]);
  return object(entries);
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
