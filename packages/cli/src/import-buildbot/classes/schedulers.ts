import { changeFilterEntry, theChange } from "../change-filter.ts";
import { isSpecial, type Value } from "../document.ts";
import { codebasesEntry, parametersEntry } from "../force-form.ts";
import { differs, dropped, lost, plain, type Rule, seconds, texts } from "../rules.ts";
import { type Entry, literal } from "../source-file.ts";
import { describe, todo, translateFunction } from "../values.ts";
import { type ClassMapping, ignored, type Mappings } from "./class-mapping.ts";

/** Buildbot formats reasons with the scheduler's name and class. */
const reason: Rule = (value) =>
  typeof value === "string" && value !== "" && !value.includes("%(") ? [["reason", literal(value)]] : [];

/** Names, or an expression that is known only at run time. */
const builderNames: Rule = (value, scope) => {
  if (!isSpecial(value)) return texts("builders")(value, scope, {}, "builderNames");
  return [["builders", todo(value, scope, "builderNames", describe(value))]];
};

const optional =
  (rule: Rule): Rule =>
  (value, scope, args, name) =>
    value === null ? [] : rule(value, scope, args, name);

const priority: Rule = (value, scope) => {
  if (typeof value === "number") return value === 0 ? [] : [["priority", literal(value)]];
  if (isSpecial(value) && value.is === "function")
    return [["priority", todo(value, scope, "priority", describe(value))]];
  return [];
};

const common: Readonly<Record<string, Rule>> = {
  name: plain(),
  builderNames,
  properties: optional(plain()),
  codebases: optional(plain()),
  reason,
  priority,
};

const followsChanges: Readonly<Record<string, Rule>> = {
  ...common,
  change_filter: (value, scope) => changeFilterEntry(value, scope),
  fileIsImportant: (value, scope, _, name) =>
    value === null ? [] : [[name, translateFunction(value, [theChange], "flag", scope, name)]],
  onlyImportant: plain(),
};

const changeDriven: Readonly<Record<string, Rule>> = {
  ...followsChanges,
  treeStableTimer: seconds(undefined, "left out"),
  branch: plain(),
  branches: optional(plain()),
  createAbsoluteSourceStamps: differs("builds get the revisions of their changes", "nothing"),
  categories: (value, scope) => {
    if (value !== null) scope.todo("its option categories is not translated", "write changeFilter: { category: […] }");
    return [];
  },
};

const timed: Readonly<Record<string, Rule>> = {
  ...followsChanges,
  branch: plain(),
  onlyIfChanged: plain(),
  createAbsoluteSourceStamps: plain(),
};

const cron: Readonly<Record<string, Rule>> = {
  minute: plain(),
  hour: plain(),
  dayOfMonth: plain(),
  month: plain(),
  dayOfWeek: plain(),
  ...Object.fromEntries(
    ["minute", "hour", "day_of_month", "month", "day_of_week"].map((field) => [
      `force_at_${field}`,
      lost("add a second scheduler without onlyIfChanged"),
    ]),
  ),
};

/** Buildbot's times are those of its machine. */
const timeZone: ClassMapping["more"] = (_, scope): readonly Entry[] => {
  scope.note("its times are those of the time zone of Buildbot's machine", "set TIME_ZONE, or write timeZone");
  return [["timeZone", `${scope.file.named("env")}("TIME_ZONE", "UTC")`]];
};

const upstream: Rule = (value, scope) => {
  const name = isSpecial(value) && value.is === "object" ? value.args["name"] : value;
  if (typeof name === "string") return [["upstream", literal(name)]];
  scope.todo("its upstream is not known", "write the name of the scheduler as upstream");
  return [["upstream", literal("")]];
};

const tried: ClassMapping = {
  to: "schedulers/try",
  options: {
    ...common,
    codebases: lost("write codebase and repository"),
    reason: dropped,
    port: dropped,
    jobdir: dropped,
    userpass: differs("its users are those of the ui, with API tokens", "create tokens: master token create NAME"),
  },
  differs: "`master try` sends the difference over REST with an API token; `buildbot try` cannot be used",
};

/** The default of a parameter of the form. */
const defaultOf =
  (option: string): Rule =>
  (value) => {
    const given = isSpecial(value) && value.is === "object" ? value.args["default"] : undefined;
    return given === undefined || given === "" || isSpecial(given) ? [] : [[option, literal(given)]];
  };

/** Schedulers. */
export const schedulers: Mappings = {
  SingleBranchScheduler: { to: "schedulers/single-branch", options: changeDriven },
  Scheduler: { to: "schedulers/single-branch", options: changeDriven },
  AnyBranchScheduler: { to: "schedulers/any-branch", options: changeDriven },
  Periodic: {
    to: "schedulers/periodic",
    options: { ...timed, periodicBuildTimer: seconds("every") },
  },
  Nightly: { to: "schedulers/nightly", options: { ...timed, ...cron }, more: timeZone },
  NightlyTriggerable: {
    to: "schedulers/nightly-triggerable",
    options: { ...common, ...cron },
    more: timeZone,
  },
  Triggerable: { to: "schedulers/triggerable", options: common },
  Dependent: { to: "schedulers/dependent", options: { ...common, upstream } },
  ForceScheduler: {
    to: "schedulers/force",
    options: {
      ...common,
      properties: (value, scope) => parametersEntry(value, scope),
      codebases: (value, scope) => codebasesEntry(value, scope),
      reason: defaultOf("reason"),
      priority: defaultOf("priority"),
      label: optional(plain()),
      buttonName: optional(plain()),
      ...ignored("username", "reasonString"),
    },
    differs: "the user is the one who is logged in, not a field of the form",
  },
  Try_Userpass: tried,
  Try_Jobdir: tried,
};

/** The names of the builders of a filter of a canceller. */
export const builderList = (value: Value | undefined): readonly string[] | undefined => {
  const list = Array.isArray(value) ? (value as readonly Value[]) : [value ?? null];
  return list.every((item) => typeof item === "string") ? (list as string[]) : undefined;
};
