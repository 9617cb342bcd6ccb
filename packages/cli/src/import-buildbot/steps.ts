import type { ClassMapping } from "./classes/class-mapping.ts";
import { classes } from "./classes/index.ts";
import { programOptions } from "./classes/programs.ts";
import { entriesFor, mappingOf, reportOwnClass } from "./construct.ts";
import { asSpecial, isSpecial, type StepValue, textsOf, type Value } from "./document.ts";
import { lockUses } from "./locks.ts";
import { differs, dropped, lost, plainCode, type Rule } from "./rules.ts";
import type { Scope } from "./scope.ts";
import { type Code, type Entry, literal, object } from "./source-file.ts";
import { translate, translateFunction } from "./values.ts";

/** A list of words is one text. */
const wordy: Rule = (value, scope, _, name) => {
  if (value === null) return [];
  const words = textsOf(value);
  return [[name, words === undefined ? translate(value, "text", scope, name) : literal(words.join(" "))]];
};

const condition: Rule = (value, scope) => {
  if (value === true) return [];
  return [["doStepIf", translate(value, "flag", scope, "doStepIf")]];
};

/** Options of every step. Its rules are written as they count, whatever sets them. */
const commonOptions: Readonly<Record<string, Rule>> = {
  name: dropped,
  haltOnFailure: dropped,
  flunkOnFailure: dropped,
  flunkOnWarnings: dropped,
  warnOnFailure: dropped,
  warnOnWarnings: dropped,
  alwaysRun: dropped,
  description: wordy,
  descriptionDone: wordy,
  descriptionSuffix: differs("the suffix of its description is not shown", "write it into descriptionDone"),
  doStepIf: condition,
  hideStepIf: (value, scope, args, name) =>
    typeof value === "boolean"
      ? value
        ? [["hideStepIf", "true"]]
        : []
      : asSpecial(value, "function")?.reads === undefined
        ? lost("write hideStepIf: (results) => …")(value, scope, args, name)
        : [["hideStepIf", translateFunction(value, [{ code: "results", role: "number" }], "flag", scope, name)]],
  locks: (value, scope) => {
    const uses = lockUses(value, scope);
    return uses === undefined ? [] : [["locks", uses]];
  },
  workdir: programOptions["workdir"] as Rule,
  logEncoding: differs("logs are UTF-8", "nothing, unless a program writes another encoding"),
  updateBuildSummaryPolicy: dropped,
  useProgress: dropped,
  progressMetrics: dropped,
};

const ruleNames = [
  "haltOnFailure",
  "flunkOnFailure",
  "flunkOnWarnings",
  "warnOnFailure",
  "warnOnWarnings",
  "alwaysRun",
];

/** A step of a builder. `workdir`: the factory's, if it is not the usual one. */
export function translateStep(step: StepValue, scope: Scope, workdir: Value): Code {
  const mapping = mappingOf(classes.steps, step);
  if (mapping === undefined) return placeholder(step, scope);
  const args = runsInWorkdir(mapping) && workdir !== "build" ? { workdir, ...step.args } : step.args;
  const entries = entriesFor(mapping, args, scope, commonOptions);
  reportOwnClass(step, scope);
  const usual: Readonly<Record<string, boolean>> = { flunkOnFailure: true, ...mapping.rules };
  const canWarn =
    entries.some(([key]) => key === "warningPattern" || key === "decodeRC") || mapping.to !== "steps/shell";
  const rules = ruleNames.flatMap((name): Entry[] => {
    const flag = step.rules[name] ?? false;
    if (isSpecial(flag)) {
      plainCode(flag, scope, name);
      return [];
    }
    const on = flag === true || flag === 1;
    if (on === (usual[name] ?? false) || (name === "warnOnWarnings" && !canWarn)) return [];
    return [[name, String(on)]];
  });
  const factory = scope.file.plugin(mapping.to);
  const named: Entry[] = step.name === undefined ? [] : [["name", literal(step.name.slice(0, 50))]];
  return { call: factory, args: [object([...named, ...entries, ...rules])] };
}

const runsInWorkdir = ({ to, options }: ClassMapping) =>
  Object.hasOwn(options, "workdir") && to !== "steps/master-command";

/** A step that fails until it is written, so that nothing that the build needs is left out in silence. */
function placeholder({ class: name, base, name: shown = name }: StepValue, scope: Scope): Code {
  const what = name === base ? `the step ${name}` : `the step ${name}, a ${base} of its own,`;
  scope.todo(
    `${what} is not translated; a step that fails is in its place`,
    "write the command as shell(…), or a step of your own: docs/own-steps.md",
  );
  const task = `${scope.where}: ${what.replace(/,$/, "")} is not translated`;
  const that = `${scope.file.named("todo")}(${JSON.stringify(scope.at === undefined ? task : `${task} (${scope.at})`)})`;
  return {
    call: scope.file.plugin("steps/assert"),
    args: [
      object([
        ["name", literal(shown.slice(0, 50))],
        ["that", that],
      ]),
    ],
  };
}
