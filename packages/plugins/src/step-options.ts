import {
  callRenderable,
  describeIssue,
  descriptorOf,
  explainIssue,
  type InnerStep,
  lockUses,
  type PluginDescriptor,
  type RenderContext,
  render,
  renderCommand,
} from "@multimaster/config";
import { duration, type Result } from "@multimaster/core";
import { z } from "zod";
import type { StepRenderContext } from "./step-context.ts";
import { BadRendering, describeThrown } from "./step-errors.ts";

/** The effect of a step's result on its build. */
export interface StepRules {
  /** A failure ends the build; only steps that always run follow. */
  haltOnFailure: boolean;
  /** A failure makes the build fail. */
  flunkOnFailure: boolean;
  /** Warnings make the build fail. */
  flunkOnWarnings: boolean;
  /** A failure makes the build's result warnings. */
  warnOnFailure: boolean;
  /** Warnings make the build's result warnings. */
  warnOnWarnings: boolean;
  /** The step runs even after the build has failed or was stopped. */
  alwaysRun: boolean;
  /** The step always runs, and its result leaves the build's alone. */
  cleanUp: boolean;
}

export const usualRules: StepRules = {
  haltOnFailure: false,
  flunkOnFailure: true,
  flunkOnWarnings: false,
  warnOnFailure: false,
  warnOnWarnings: false,
  alwaysRun: false,
  cleanUp: false,
};

const tryAgain = z
  .strictObject({
    times: z.int().min(1).max(100).default(2).describe("How often it is tried again."),
    delay: duration.prefault("0s").describe("Time before each further attempt."),
    on: z
      .array(z.int())
      .min(1)
      .optional()
      .describe("Return codes after which it is tried again; without this, after every failure."),
  })
  .describe("A failed attempt is followed by another one, with the options rendered again.");

/** How a step that fails is tried again; times are in milliseconds. */
export type StepRetry = z.output<typeof tryAgain>;

const hide = z.custom<boolean | ((results: Result) => boolean)>(
  (value) => typeof value === "boolean" || typeof value === "function",
  {
    message: "must be true, false, or a function of the step's results",
  },
);

/** A text that pages and terminals show in one line, as it is. */
const oneLine = /^[^\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]*$/u;

/** The options of every step. */
export const commonShape = {
  name: z
    .string()
    .min(1)
    .max(50)
    .regex(oneLine, "must have no control characters, line breaks or marks that turn the direction of text")
    .optional()
    .describe("Name shown on the pages, unique in a build; a duplicate gets _1, _2, …"),
  haltOnFailure: z.boolean().optional().describe("A failure ends the build; only steps that always run follow."),
  flunkOnFailure: z.boolean().optional().describe("A failure makes the build fail."),
  flunkOnWarnings: z.boolean().optional().describe("Warnings make the build fail."),
  warnOnFailure: z.boolean().optional().describe("A failure makes the build's result warnings."),
  warnOnWarnings: z.boolean().optional().describe("Warnings make the build's result warnings."),
  alwaysRun: z.boolean().optional().describe("The step runs even after the build has failed or was stopped."),
  cleanUp: z.boolean().optional().describe("The step always runs, and its result leaves the build's alone."),
  tryAgain: tryAgain.optional(),
  doStepIf: z.boolean().default(true).describe("If false, the step is skipped."),
  locks: lockUses.default([]).describe("Locks that the step has while it runs; it waits for all of them first."),
  hideStepIf: hide.default(false).describe("If true, the web pages do not show the step."),
  description: z.string().optional().describe("Shown while it runs."),
  descriptionDone: z.string().optional().describe("Shown when it has ended."),
};

export type CommonOptions = z.output<z.ZodObject<typeof commonShape>>;

/** The forms of an option of type T: the value, a function of the build, or a value that contains such functions. */
export type RenderableOption<T> = T | ((build: StepRenderContext) => T | Promise<T>) | RenderableParts<T>;
type RenderableParts<T> = T extends RegExp
  ? never
  : T extends readonly (infer Item)[]
    ? readonly RenderableOption<Item>[]
    : T extends object
      ? { [Key in keyof T]: RenderableOption<T[Key]> }
      : never;

/** The options as a config author writes them: all may be rendered, except the name and the rules. */
export type StepInput<Shape extends z.ZodRawShape> = {
  [Key in keyof z.input<z.ZodObject<Shape>>]: NonNullable<z.input<z.ZodObject<Shape>>[Key]> extends
    | ((...given: never[]) => unknown)
    | readonly PluginDescriptor<"step">[]
    ? z.input<z.ZodObject<Shape>>[Key]
    : RenderableOption<z.input<z.ZodObject<Shape>>[Key]>;
} & Omit<z.input<z.ZodObject<typeof commonShape>>, "doStepIf" | "locks" | "description" | "descriptionDone"> & {
    doStepIf?: RenderableOption<boolean>;
    locks?: RenderableOption<z.input<typeof lockUses>>;
    description?: RenderableOption<string>;
    descriptionDone?: RenderableOption<string>;
  };

/** Options whose functions have another meaning than functions of the build. */
const ownMeaning = new WeakSet<z.ZodType>();
/** Those that are nothing but a function. */
const onlyFunctions = new WeakSet<z.ZodType>();

/** An option that is a function of `what`, such as "(rc, stdout)", which the step calls itself: it is no function of the build. */
export function stepFunction<F extends (...given: never[]) => unknown>(what: string, description: string) {
  const schema = z
    .custom<F>((value) => typeof value === "function", { message: `must be a function ${what}` })
    .optional()
    .describe(description);
  ownMeaning.add(schema);
  onlyFunctions.add(schema);
  return schema;
}

const step = descriptorOf("step") as z.ZodType<PluginDescriptor<"step">, PluginDescriptor<"step">>;

/** An option that is a list of steps: their options are rendered when they run themselves. */
export function stepList(description: string) {
  const schema = z.array(step).min(1).describe(description);
  ownMeaning.add(schema);
  return schema;
}

/** The steps in the option `key`, if its value is a list. */
export function innerSteps(key: string, value: unknown): readonly InnerStep[] {
  return Array.isArray(value)
    ? value.map((inner: PluginDescriptor<"step">, i) => ({ path: [key, i], step: inner }))
    : [];
}

/** The same, or a function `what` that the step calls to get them. */
export function stepListOr<F extends (...given: never[]) => unknown>(what: string, description: string) {
  const made = z.custom<F>((value) => typeof value === "function", { message: `must be steps, or a function ${what}` });
  const schema = z.union([z.array(step).min(1), made]).describe(description);
  ownMeaning.add(schema);
  return schema;
}

/** These options are read before the step runs, or are functions with another meaning. */
const neverRendered = new Set<string>([
  "name",
  "haltOnFailure",
  "flunkOnFailure",
  "flunkOnWarnings",
  "warnOnFailure",
  "warnOnWarnings",
  "alwaysRun",
  "cleanUp",
  "tryAgain",
  "hideStepIf",
]);

/** Marks the schema of an option with functions that are not functions of the build; what is made of it is not marked. */
export function asWritten<S extends z.ZodType>(schema: S): S {
  ownMeaning.add(schema);
  return schema;
}

/** What this option has that only a config can write: a function that the step calls, or steps; undefined: neither. */
export function whatOnlyConfigsHave(schema: z.ZodType): "function" | "steps" | undefined {
  if (onlyFunctions.has(schema)) return "function";
  return ownMeaning.has(schema) ? "steps" : undefined;
}

/** Whether this option is read as it is written, never as a function of the build. */
export function isNeverRendered(schema: z.ZodObject, key: string): boolean {
  const option: unknown = schema.shape[key];
  return neverRendered.has(key) || (option instanceof z.ZodType && ownMeaning.has(option));
}

/**
 * The schema for options in a config, where some are still functions: those are checked when the step runs. It returns the
 * options as written, because they are parsed again after rendering.
 */
export function unrendered(schema: z.ZodObject): z.ZodType {
  return z.unknown().superRefine((options, ctx) => {
    const entries = typeof options === "object" && options !== null ? Object.entries(options) : [];
    const later = new Set(
      entries.filter(([key, value]) => !isNeverRendered(schema, key) && holdsFunction(value)).map(([key]) => key),
    );
    const values =
      typeof options === "object" && options !== null
        ? Object.fromEntries(entries.filter(([key]) => !later.has(key)))
        : options;
    const known = Object.keys(schema.shape).join(", ");
    const refuse = (path: PropertyKey[], message: string) =>
      ctx.addIssue({ code: "custom", path, message, input: options });
    for (const key of later) if (!Object.hasOwn(schema.shape, key)) refuse([key], `unknown option (have: ${known})`);
    const issues = (schema.safeParse(values).error?.issues ?? []).filter(({ path }) => !later.has(String(path[0])));
    // This wrapper hides the schema from the code that explains issues, so they are explained here.
    for (const issue of issues)
      for (const { path, message } of explainIssue(issue, schema, values)) refuse(path, message);
  });
}

/**
 * The option of a step that is a command: the worker's shell reads a text, and a list is run as it is. Values of `interpolate`
 * are quoted only in options with exactly this schema.
 */
export const commandOption = z
  .union([z.string().min(1), z.array(z.string()).min(1)])
  .describe("The worker's shell reads a text; a list is run as it is.");

/** Options that are lists of objects with a `command` each. */
const commandLists = new WeakSet<z.ZodType>();

/** An option that is a list of objects, each with a `command` (of `commandOption`) among other fields. */
export function commandList<Item extends z.ZodRawShape>(item: Item, description: string) {
  const schema = z
    .array(z.strictObject({ command: commandOption, ...item }))
    .default([])
    .describe(description);
  commandLists.add(schema);
  return schema;
}

/** Whether this option is a command or a list of them, so that values in it are quoted. */
export function kindOfCommand(schema: z.ZodObject, key: string): "command" | "list" | undefined {
  const option: unknown = schema.shape[key];
  if (option === commandOption) return "command";
  return option instanceof z.ZodType && commandLists.has(option) ? "list" : undefined;
}

/** Renders the options and parses them, or throws `BadRendering` with a message. */
export async function renderOptions(
  schema: z.ZodObject,
  options: Readonly<Record<string, unknown>>,
  build: StepRenderContext,
): Promise<unknown> {
  const rendered: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(options)) {
    if (isNeverRendered(schema, key)) rendered[key] = value;
    else if (kindOfCommand(schema, key) === "command")
      rendered[key] = await orBadRendering(key, renderCommand(value, build, build.worker.system));
    else if (kindOfCommand(schema, key) === "list")
      rendered[key] = await orBadRendering(key, renderCommands(value, build));
    else rendered[key] = await renderOption(key, value, build);
  }
  const parsed = schema.safeParse(rendered);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues
    .flatMap((issue) => describeIssue(issue, schema, rendered))
    // A config that is loaded reads the environment; here a function of the build has returned nothing.
    .map((problem) => problem.replace(" (an environment variable that is not set?)", ""));
  throw new BadRendering(`The step's options are invalid for this build: ${problems.join("; ")}`);
}

async function renderCommands(value: unknown, build: StepRenderContext): Promise<unknown> {
  if (typeof value === "function")
    return renderCommands(await callRenderable(value as (build: RenderContext) => unknown, build), build);
  if (Array.isArray(value)) return Promise.all(value.map((item: unknown) => renderCommands(item, build)));
  if (typeof value !== "object" || value === null) return value;
  const { command, ...rest } = value as { readonly command?: unknown };
  const fields = (await render(rest, build)) as object;
  return { ...fields, command: await renderCommand(command, build, build.worker.system) };
}

/** Renders one option, or throws `BadRendering` naming it. */
export async function renderOption(key: string, value: unknown, build: RenderContext): Promise<unknown> {
  return orBadRendering(key, render(value, build));
}

async function orBadRendering(key: string, rendering: Promise<unknown>): Promise<unknown> {
  try {
    return await rendering;
  } catch (error) {
    const why = describeThrown(error);
    throw new BadRendering(`The step's option "${key}" could not be rendered: ${why}`, { cause: error });
  }
}

function holdsFunction(value: unknown): boolean {
  if (typeof value === "function") return true;
  if (Array.isArray(value)) return value.some(holdsFunction);
  if (typeof value !== "object" || value === null || Object.getPrototypeOf(value) !== Object.prototype) return false;
  return Object.values(value).some(holdsFunction);
}
