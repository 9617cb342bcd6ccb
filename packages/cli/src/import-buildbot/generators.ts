import { isSpecial, type ObjectValue, textsOf, type Value } from "./document.ts";
import type { Scope } from "./scope.ts";
import { type Entry, literal } from "./source-file.ts";
import { describe } from "./values.ts";

/** The events of each of Buildbot's generators. */
const events: Readonly<Record<string, readonly string[]>> = {
  BuildStartEndStatusGenerator: ["build-started", "build-ended"],
  BuildStatusGenerator: ["build-ended"],
  BuildSetStatusGenerator: ["buildset-ended"],
  BuildSetCombinedStatusGenerator: ["buildset-ended"],
  BuildRequestGenerator: ["request-waiting"],
  WorkerMissingGenerator: ["worker-missing"],
  GerritBuildStartStatusGenerator: ["build-started"],
  GerritBuildEndStatusGenerator: ["build-ended"],
  GerritBuildSetStatusGenerator: ["buildset-ended"],
};
const filters = ["builders", "tags", "branches", "schedulers"] as const;
const formatters = ["message_formatter", "start_formatter", "end_formatter", "formatter", "callback"];
const knownModes = new Set(["failing", "passing", "warnings", "exception", "cancelled", "change", "problem"]);

/** What a reporter reports: the events, modes and filters of its generators. */
export function generatorEntries(value: Value, scope: Scope): readonly Entry[] {
  if (!Array.isArray(value) || value.length === 0) return [];
  const generators = value.flatMap((item: Value): ObjectValue[] => {
    if (isSpecial(item) && item.is === "object" && events[item.base] !== undefined) return [item];
    scope.todo(`what it reports is ${describe(item)}`, "write events and filter: docs/reporters.md");
    return [];
  });
  const [first, ...others] = generators;
  if (first === undefined) return [];
  const filtersOf = ({ args }: ObjectValue) => JSON.stringify([...filters, "mode"].map((name) => args[name] ?? null));
  if (others.some((other) => filtersOf(other) !== filtersOf(first) && other.base !== "WorkerMissingGenerator"))
    scope.todo("its generators have different filters; those of the first count", "write one reporter for each");
  for (const { args } of generators)
    for (const name of formatters)
      if (args[name] !== undefined && args[name] !== null)
        scope.note("its messages are those of this project", "write message or description: docs/reporters.md");
  const names = [...new Set(generators.flatMap(({ base }) => events[base] ?? []))];
  return [["events", literal(names)], ...modesOf(first), ...filterEntries(first, scope)];
}

/** Without a mode, Buildbot reports builds that fail, pass or have warnings. */
function modesOf({ args, base }: ObjectValue): Entry[] {
  const given = textsOf(args["mode"] ?? null);
  if (given === undefined)
    return base.startsWith("BuildS") && !base.includes("StartEnd")
      ? [["modes", literal(["failing", "passing", "warnings"])]]
      : [];
  const modes = given.filter((mode) => knownModes.has(mode));
  return given.includes("all") || modes.length === 0 ? [] : [["modes", literal(modes)]];
}

function filterEntries({ args }: ObjectValue, scope: Scope): Entry[] {
  return filters.flatMap((name): Entry[] => {
    const given = args[name];
    if (given === undefined || given === null) return [];
    const list = textsOf(given);
    if (list !== undefined) return list.length === 0 ? [] : [[name, literal(list)]];
    scope.todo(`its filter ${name} is ${describe(given)}`, `write ${name} as a list of texts`);
    return [];
  });
}
