import {
  type ConfigWarning,
  explainIssue,
  type InnerStep,
  type LockUseConfig,
  lockUses,
  type OnMasterUse,
  type PluginDefinition,
  type PluginDescriptor,
} from "@multimaster/config";
import { callContained, type Result, Results } from "@multimaster/core";
import { z } from "zod";
import { warningsOfCommands } from "./command-warnings.ts";
import type { StepContext, StepRenderContext } from "./step-context.ts";
import { BadRendering, StepFailed } from "./step-errors.ts";
import {
  type CommonOptions,
  commonShape,
  renderOption,
  renderOptions,
  type StepInput,
  type StepRetry,
  type StepRules,
  unrendered,
  usualRules,
} from "./step-options.ts";

/** How a step ended. */
export interface StepEnd {
  results: Result;
  /** A summary in a few words, such as `'make all'`. */
  summary?: string;
  /** Why it did not succeed; by default the result's name. Shown in parentheses after the summary. */
  reason?: string;
  /** The return code of its command, by which `tryAgain` decides. */
  rc?: number;
  /** The build ends here with this result, and this text if there is one; only steps that always run follow. */
  build?: { readonly results: Result; readonly text?: string };
  /** Only steps that always run follow, whatever the rules of this one say of its result. */
  halts?: boolean;
}

/** The options of a step in its descriptor: checked, not rendered. */
type RawOptions = Readonly<Record<string, unknown>>;

/** A step as the engine uses it. */
export interface StepDefinition extends PluginDefinition<"step"> {
  /** Its code may be run again from its start on another engine, with the command that runs on the worker instead of a new one. */
  readonly resumable: boolean;
  /** The options that `run` gets, with functions rendered; the reference is generated from it. */
  readonly rendered: z.ZodType;
  nameOf(options: RawOptions): string;
  rulesOf(options: RawOptions): StepRules;
  /** How it is tried again when it fails; undefined: not at all. */
  retryOf(options: RawOptions): StepRetry | undefined;
  /** False if the step is to be skipped in this build. Throws `BadRendering`. */
  isWanted(options: RawOptions, build: StepRenderContext): Promise<boolean>;
  isHidden(options: RawOptions, results: Result): boolean;
  /** The locks that it has while it runs. Throws `BadRendering`. */
  locksOf(options: RawOptions, build: StepRenderContext): Promise<readonly LockUseConfig[]>;
  /** Renders the options and runs the step. Throws `BadRendering`, or any error of the step's code. */
  run(ctx: StepContext, options: RawOptions): Promise<StepEnd>;
}

export interface StepPlugin<Shape extends z.ZodRawShape> {
  /** The step's default name, such as "shell". */
  type: string;
  options: z.ZodObject<Shape>;
  /** Defaults of rules that differ from the usual ones. */
  rules?: Partial<StepRules>;
  /**
   * It runs one `ctx.shell`, and nothing else that it does has an effect outside of this step which must not happen twice: a build
   * whose engine dies during that command can go on at another engine, which runs this code again from its start.
   */
  resumable?: boolean;
  /** Names of the schedulers that it triggers, if the options contain them as values. */
  triggers?(options: RawOptions): readonly string[];
  /** Those of them whose builds it waits for. */
  awaits?(options: RawOptions): readonly string[];
  /** What it does on the master's machine, which the config must allow: of each, the option that asks for it. */
  onMaster?(options: RawOptions): readonly OnMasterUse[];
  /** The steps that are in its options as values. */
  inner?(options: RawOptions): readonly InnerStep[];
  /** Risks of the options as written: functions of the build are not rendered. */
  warnings?(options: RawOptions): readonly ConfigWarning[];
  run(ctx: StepContext, options: z.output<z.ZodObject<Shape>> & CommonOptions): Promise<Result | StepEnd>;
}

const result = z.int().min(Results.SUCCESS).max(Results.CANCELLED);
const stepEnd = z.object({
  results: result,
  summary: z.string().optional(),
  reason: z.string().optional(),
  rc: z.number().optional(),
  build: z.object({ results: result, text: z.string().optional() }).optional(),
  halts: z.boolean().optional(),
});

/** What the code of a step returned: a step of a config's own may return anything. */
function checkEnd(returned: Result | StepEnd): StepEnd {
  const end = typeof returned === "number" ? { results: returned } : returned;
  const { error } = stepEnd.safeParse(end);
  if (error === undefined) return end;
  const [{ path, message } = { path: [], message: "" }] = error.issues;
  const where = path.length === 0 ? "" : ` (${path.join(".")}: ${message})`;
  throw new BadRendering(
    `The step's code returned ${describeType(returned)}${where}; it must return a result, such as 0, or { results, summary }.`,
  );
}

const describeType = (value: unknown) =>
  typeof value === "object" && value !== null ? "an invalid object" : String(JSON.stringify(value) ?? typeof value);

function asFailure(error: unknown): StepEnd {
  if (error instanceof StepFailed) return { results: Results.FAILURE, reason: error.message.replace(/\.$/, "") };
  throw error;
}

/** The function that a config calls to use a step. */
export type StepFactory<Shape extends z.ZodRawShape> = (options: StepInput<Shape>) => PluginDescriptor<"step">;

/**
 * Defines a step. Each file default-exports the result. Every option except the name and the rules may be a function of the
 * build; options are rendered right before `run` and then parsed by the schema.
 */
export function defineStep<Shape extends z.ZodRawShape>(plugin: StepPlugin<Shape>): StepFactory<Shape> {
  const schema = z.strictObject({ ...plugin.options.shape, ...commonShape });
  const definition: StepDefinition = {
    kind: "step",
    type: plugin.type,
    options: unrendered(schema),
    rendered: schema,
    resumable: plugin.resumable ?? false,
    ...(plugin.triggers === undefined ? {} : { triggers: plugin.triggers as (options: unknown) => readonly string[] }),
    ...(plugin.onMaster === undefined
      ? {}
      : { onMaster: plugin.onMaster as (options: unknown) => readonly OnMasterUse[] }),
    ...(plugin.inner === undefined ? {} : { inner: plugin.inner as (options: unknown) => readonly InnerStep[] }),
    ...(plugin.awaits === undefined ? {} : { awaits: plugin.awaits as (options: unknown) => readonly string[] }),
    warnings: (options) => [
      ...warningsOfCommands(schema, options as RawOptions),
      ...(plugin.warnings?.(options as RawOptions) ?? []),
    ],
    nameOf: (options) => (typeof options["name"] === "string" ? options["name"] : plugin.type),
    rulesOf(options) {
      const rules: StepRules = { ...usualRules, ...plugin.rules };
      for (const rule of Object.keys(rules) as (keyof StepRules)[]) {
        const given = options[rule];
        if (typeof given === "boolean") rules[rule] = given;
      }
      return rules;
    },
    retryOf: (options) => commonShape.tryAgain.parse(options["tryAgain"]),
    async isWanted(options, build) {
      const wanted = await renderOption("doStepIf", options["doStepIf"] ?? true, build);
      if (typeof wanted !== "boolean")
        throw new BadRendering(`The step's option "doStepIf" must be true or false, not ${show(wanted)}.`);
      return wanted;
    },
    async locksOf(options, build) {
      if (options["locks"] === undefined) return [];
      const rendered = await renderOption("locks", options["locks"], build);
      const parsed = lockUses.safeParse(rendered);
      if (parsed.success) return parsed.data;
      const problems = parsed.error.issues
        .flatMap((issue) => explainIssue(issue, lockUses, rendered))
        .map(({ path, message }) => `${["locks", ...path].join(".")}: ${message}`);
      throw new BadRendering(`The step's locks are invalid for this build: ${problems.join("; ")}`);
    },
    isHidden(options, results) {
      const hide = (options["hideStepIf"] ?? false) as CommonOptions["hideStepIf"];
      return typeof hide === "function" ? callContained(() => hide(results)) : hide;
    },
    async run(ctx, options) {
      const rendered = (await renderOptions(schema, options, ctx)) as z.output<z.ZodObject<Shape>> & CommonOptions;
      if (rendered.description !== undefined) ctx.setState(rendered.description);
      const full = await plugin.run(ctx, rendered).then(checkEnd, asFailure);
      return rendered.descriptionDone === undefined ? full : { ...full, summary: rendered.descriptionDone };
    },
  };
  return (options) => ({ plugin: definition, options });
}

/** A text in quotes: "false" is not false. */
function show(value: unknown): string {
  return typeof value === "string" ? JSON.stringify(value.slice(0, 100)) : String(value);
}
