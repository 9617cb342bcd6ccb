import { explainIssue, type PluginDescriptor } from "@multimaster/config";
import type { Json } from "@multimaster/core";
import type { StepDefinition } from "../define-step.ts";
import { isNeverRendered } from "../step-options.ts";
import { suggest } from "./nearest-name.ts";
import { optionsOf, shapeOf, whyNeverHere, whyNotHere } from "./pipeline-kinds.ts";
import { type AllowedNames, holdsPlaceholder, readPlaceholders } from "./placeholders.ts";
import type { PipelineDocument, PipelineProblem } from "./problem.ts";
import { readDocument } from "./read-document.ts";

/** What a pipeline file may have and name; the config says it. */
export interface PipelineRules extends AllowedNames {
  /** Kinds of steps, by type. */
  readonly steps: ReadonlyMap<string, StepDefinition>;
  /** Schedulers that its steps may trigger. */
  readonly schedulers: readonly string[] | "any";
  readonly maxSteps: number;
  readonly maxBytes: number;
}

/** Limits of a step `fromRepository` without the option `limits`. */
export const usualLimits = { maxSteps: 100, maxBytes: 64 * 1024 };

export type CheckedPipeline =
  | { readonly steps: readonly PluginDescriptor<"step">[] }
  | { readonly problems: readonly PipelineProblem[] };

type Path = readonly PropertyKey[];
type Fields = Readonly<Record<string, Json>>;

/** Reads a pipeline file, and finds everything that is wrong with it. */
export function checkPipeline(bytes: Uint8Array, rules: PipelineRules): CheckedPipeline {
  const read = readDocument(bytes, rules);
  if (read.document === undefined) return { problems: read.problems };
  const check = new PipelineCheck(read.document, rules);
  const steps = check.readFile();
  // A value that could not be read is said to be wrong once.
  const said = new Set(read.problems.map(placeKey));
  const problems = [...read.problems, ...check.problems.filter((problem) => !said.has(placeKey(problem)))];
  return problems.length > 0 ? { problems } : { steps };
}

const placeKey = ({ line, column }: PipelineProblem) => `${line}:${column}`;

const isFields = (value: Json | undefined): value is { [name: string]: Json } =>
  typeof value === "object" && value !== null && !Array.isArray(value);

class PipelineCheck {
  readonly problems: PipelineProblem[] = [];
  #document: PipelineDocument;
  #rules: PipelineRules;
  /** The kinds of steps that a file can have, in the words of a message. */
  #have: string;

  constructor(document: PipelineDocument, rules: PipelineRules) {
    this.#document = document;
    this.#rules = rules;
    const usable = [...rules.steps.values()].filter((kind) => whyNeverHere(kind) === undefined);
    this.#have = usable.map(({ type }) => type).join(", ") || "none";
  }

  readFile(): PluginDescriptor<"step">[] {
    const { value } = this.#document;
    if (!isFields(value)) return this.#complain([], 'the file must be a mapping with the key "steps"');
    for (const key of Object.keys(value))
      if (key !== "steps" && !key.startsWith("x-"))
        this.#complain(
          [key],
          `unknown key "${key}" (have: steps, and x-… for what aliases repeat)${suggest(key, ["steps"])}`,
          "key",
        );
    const { steps } = value;
    if (!Object.hasOwn(value, "steps")) return this.#complain([], '"steps" is missing: the list of what is done');
    if (!Array.isArray(steps) || steps.length === 0)
      return this.#complain(["steps"], '"steps" must be a list with at least one step');
    if (steps.length > this.#rules.maxSteps)
      return this.#complain(
        ["steps"],
        `the file has ${steps.length} steps, more than the ${this.#rules.maxSteps} that are allowed`,
      );
    return steps.flatMap((step: Json, i) => this.#readStep(step, ["steps", i]));
  }

  #readStep(step: Json, path: Path): PluginDescriptor<"step">[] {
    const keys = isFields(step) ? Object.keys(step) : [];
    const [type] = keys;
    if (!isFields(step) || type === undefined || keys.length !== 1)
      return this.#complain(
        path,
        `a step must be one kind with its options, as in "- shell: { command: make }" (have: ${this.#have})`,
      );
    const kind = this.#rules.steps.get(type);
    const at = [...path, type];
    if (!kind)
      return this.#complain(
        at,
        `there is no step "${type}" here (have: ${this.#have})${suggest(type, this.#rules.steps.keys())}`,
        "key",
      );
    const never = whyNeverHere(kind);
    if (never !== undefined) return this.#complain(at, `the step ${type} cannot be used here: it ${never}`, "key");
    const options = step[type] ?? {};
    if (!isFields(options)) return this.#complain(at, `the options of ${type} must be a mapping`);
    const before = this.problems.length;
    const plugin = kind;
    const written = this.#readOptions(kind, options, at);
    if (this.problems.length === before) this.#checkTriggers(kind, written, at);
    return [{ plugin, options: written }];
  }

  /** The options as a config would have them: with functions for what depends on the build. */
  #readOptions(kind: StepDefinition, options: Fields, at: Path): Record<string, unknown> {
    const shape = shapeOf(kind);
    const known = optionsOf(kind).map(({ name }) => name);
    const written: Record<string, unknown> = {};
    const refused = new Set<PropertyKey>();
    for (const [name, value] of Object.entries(options)) {
      const path = [...at, name];
      const schema = Object.hasOwn(shape, name) ? shape[name] : undefined;
      const why =
        schema === undefined
          ? `unknown option of ${kind.type}${suggest(name, known) || ` (have: ${known.join(", ")})`}`
          : whyNotHere(name, schema);
      const before = this.problems.length;
      if (schema === undefined) this.#complain(path, `"${name}": ${why}`, "key");
      else if (why !== undefined) this.#complain(path, `"${name}" ${why}`, "key");
      else written[name] = this.#fill(value, path, isNeverRendered(kind.rendered as never, name));
      if (this.problems.length > before) refused.add(name);
    }
    for (const name of refused) delete written[name as string];
    const parsed = kind.options.safeParse(written);
    for (const issue of parsed.success ? [] : parsed.error.issues)
      for (const { path, message } of explainIssue(issue, kind.rendered, written))
        if (!refused.has(path[0] ?? "")) this.#complainOfOption(kind, [...at, ...path], at.length, message);
    return written;
  }

  #complainOfOption(kind: StepDefinition, path: Path, outer: number, message: string): void {
    const name = path.slice(outer).map(String).join(".");
    const [, known] = /^unknown option \(have: (.*)\)$/.exec(message) ?? [];
    const hint = known === undefined ? "" : suggest(String(path.at(-1)), known.split(", "));
    const what = name === "" ? `the options of ${kind.type}` : `"${name}" of ${kind.type}`;
    this.#complain(path, `${what}: ${message}${hint}`, known === undefined ? "value" : "key");
  }

  /** A value with its placeholders as functions of the build. */
  #fill(value: Json, path: Path, isFixed: boolean): unknown {
    if (Array.isArray(value)) return value.map((item: Json, i) => this.#fill(item, [...path, i], isFixed));
    if (isFields(value))
      return Object.fromEntries(
        Object.entries(value).map(([key, item]) => {
          if (holdsPlaceholder(key)) this.#complain([...path, key], "a key cannot have a placeholder", "key");
          return [key, this.#fill(item, [...path, key], isFixed)];
        }),
      );
    if (typeof value !== "string" || !holdsPlaceholder(value)) return value;
    if (isFixed)
      return void this.#complain(path, "this option is read before the build begins, and cannot have a placeholder");
    const read = readPlaceholders(value, this.#rules);
    if ("value" in read) return read.value;
    for (const problem of read.problems) this.#complain(path, problem);
    return undefined;
  }

  #checkTriggers({ triggers, type }: StepDefinition, written: Record<string, unknown>, at: Path): void {
    const { schedulers } = this.#rules;
    if (!triggers || schedulers === "any") return;
    const asWritten = JSON.stringify(written, (_, value: unknown) => (typeof value === "function" ? "${{…}}" : value));
    for (const name of triggers(JSON.parse(asWritten) as unknown))
      if (!schedulers.includes(name))
        this.#complain(
          at,
          `${type} may not trigger the scheduler "${name}" (schedulers of the config: ${schedulers.join(", ") || "none"})`,
        );
  }

  #complain(path: Path, message: string, what: "key" | "value" = "value"): [] {
    const shown = message.length > 600 ? `${message.slice(0, 600)}…` : message;
    this.problems.push({ ...this.#document.placeOf(path, what), message: shown });
    return [];
  }
}
