import { z } from "zod";

/** A value of Buildbot's configuration, as `read_buildbot.py` prints it. */
export type Value = null | boolean | number | string | readonly Value[] | Special;

/** A value that is more than data; `is` says what. */
export type Special =
  | { readonly is: "map"; readonly entries: Values }
  | FunctionValue
  | { readonly is: "pattern"; readonly source: string; readonly flags: string }
  | { readonly is: "withheld"; readonly name: string; readonly id: number }
  | ({ readonly is: "interpolate" } & FormattedText)
  | ({ readonly is: "with-properties" } & FormattedText)
  | {
      readonly is: "property";
      readonly name: string;
      readonly whenFalse: boolean;
      readonly default?: Value | undefined;
    }
  | { readonly is: "secret"; readonly name: string }
  | { readonly is: "compare"; readonly operator: string; readonly left: Value; readonly right: Value }
  | { readonly is: "flatten"; readonly value: Value }
  | { readonly is: "transform"; readonly name: string; readonly function: Value; readonly args: readonly Value[] }
  | { readonly is: "lock"; readonly lock: Value; readonly mode: "exclusive" | "counting"; readonly count: number }
  | { readonly is: "name"; readonly name: string }
  | { readonly is: "operation"; readonly operator: string; readonly args: readonly Value[] }
  | { readonly is: "attribute"; readonly of: Value; readonly name: string }
  | { readonly is: "method"; readonly of: Value; readonly name: string; readonly args: readonly Value[] }
  | EachValue
  | { readonly is: "class"; readonly class: string }
  | { readonly is: "unknown"; readonly class: string }
  | ObjectValue;

/** A function of the configuration; `reads` is what it computes, if that is one expression. */
export interface FunctionValue {
  readonly is: "function";
  readonly name: string;
  readonly at?: string | undefined;
  readonly reads?: { readonly parameters: readonly string[]; readonly value: Value } | undefined;
}

/** A loop in an expression of Python: `any`, `all`, or a list. */
export interface EachValue {
  readonly is: "each";
  readonly kind: "any" | "all" | "list";
  readonly variable: string;
  readonly of: Value;
  readonly conditions: readonly Value[];
  readonly element: Value;
}

/** A text with placeholders, and what stands for some of them. */
export interface FormattedText {
  readonly text: Value;
  readonly args: readonly Value[];
  readonly kwargs: Values;
}

/** Values by name: arguments, or a dictionary. */
export type Values = { readonly [name: string]: Value };

/** An object of a class of Buildbot, or of one derived from it. */
export interface ObjectValue {
  readonly is: "object";
  readonly class: string;
  /** The nearest class of Buildbot's own. */
  readonly base: string;
  readonly module: string;
  /** What that class was called with. */
  readonly args: Values;
  readonly at?: string | undefined;
  /** Methods that a class of the configuration has of its own. */
  readonly overrides?: readonly string[] | undefined;
}

const name = z.string().max(1000);
const text = z.string().max(200_000);
const value: z.ZodType<Value> = z.lazy(() =>
  z.union([z.null(), z.boolean(), z.number(), text, z.array(value).max(50_000), special]),
);
const values: z.ZodType<Values> = z.record(name, value);

const objectShape = {
  is: z.literal("object"),
  class: name,
  base: name,
  module: name,
  args: values,
  at: name.optional(),
  overrides: z.array(name).optional(),
};
const object = z.object(objectShape);

const special = z.discriminatedUnion("is", [
  z.object({ is: z.literal("map"), entries: values }),
  z.object({
    is: z.literal("function"),
    name,
    at: name.optional(),
    reads: z.object({ parameters: z.array(name), value }).optional(),
  }),
  z.object({ is: z.literal("pattern"), source: text, flags: name }),
  z.object({ is: z.literal("withheld"), name, id: z.int() }),
  z.object({ is: z.enum(["interpolate", "with-properties"]), text: value, args: z.array(value), kwargs: values }),
  z.object({ is: z.literal("property"), name, whenFalse: z.boolean(), default: value.optional() }),
  z.object({ is: z.literal("secret"), name }),
  z.object({ is: z.literal("compare"), operator: name, left: value, right: value }),
  z.object({ is: z.literal("flatten"), value }),
  z.object({ is: z.literal("transform"), name, function: value, args: z.array(value) }),
  z.object({ is: z.literal("name"), name }),
  z.object({ is: z.literal("operation"), operator: name, args: z.array(value) }),
  z.object({ is: z.literal("attribute"), of: value, name }),
  z.object({ is: z.literal("method"), of: value, name, args: z.array(value) }),
  z.object({
    is: z.literal("each"),
    kind: z.enum(["any", "all", "list"]),
    variable: name,
    of: value,
    conditions: z.array(value),
    element: value,
  }),
  z.object({ is: z.literal("lock"), lock: value, mode: z.enum(["exclusive", "counting"]), count: z.int() }),
  z.object({ is: z.literal("class"), class: name }),
  z.object({ is: z.literal("unknown"), class: name }),
  object,
]);

const step = z.object({
  ...objectShape,
  name: name.optional(),
  rules: values.describe("The rules as they count for this step, whether or not the configuration names them."),
});
export type StepValue = z.output<typeof step>;

const builder = z.object({ args: values, at: name.optional(), workdir: value, steps: z.array(step).max(5000) });
export type BuilderValue = z.output<typeof builder>;

/** A part of the configuration: an object, or what is none of Buildbot's. */
const part = z.union([object, z.object({ is: z.literal("unknown"), class: name })]);
export type Part = z.output<typeof part>;
const parts = z.array(part).max(20_000);

/** What `read_buildbot.py` prints of a configuration that Buildbot accepts. */
export const buildbotDocument = z.object({
  buildbot: name,
  python: name,
  file: name,
  settings: values,
  database: value,
  properties: values,
  builders: z.array(builder).max(20_000),
  schedulers: parts,
  changeSources: parts,
  workers: parts,
  services: parts,
  secretProviders: parts,
  configurators: parts,
  projects: parts,
  others: z.array(z.object({ what: name, count: z.int() })),
});
export type BuildbotDocument = z.output<typeof buildbotDocument>;

/** Everything that it may print. */
export const printedDocument = z.union([
  buildbotDocument,
  z.object({ errors: z.array(z.string()).min(1) }),
  z.object({ missing: z.string() }),
]);

/** The special value of this kind, or undefined. */
export function asSpecial<K extends Special["is"]>(value: Value | undefined, kind: K) {
  return isSpecial(value) && value.is === kind ? (value as Extract<Special, { is: K }>) : undefined;
}

export function isSpecial(value: Value | undefined): value is Special {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The entries of a dictionary, or undefined. */
export function entriesOf(value: Value | undefined): Values | undefined {
  return asSpecial(value, "map")?.entries;
}

/** The texts of a list of texts, or of one text; undefined if there is anything else. */
export function textsOf(value: Value | undefined): string[] | undefined {
  const list = Array.isArray(value) ? (value as readonly Value[]) : [value];
  return list.every((item) => typeof item === "string") ? (list as string[]) : undefined;
}
