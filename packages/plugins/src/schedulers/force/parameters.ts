import { boundedPattern, type Json } from "@multimaster/core";
import { z } from "zod";

/** A regular expression, published as text. */
export const regex = z
  .union([z.string(), z.instanceof(RegExp).transform(({ source }) => source)])
  .refine(isRegex, { message: "must be a regular expression", abort: true });

const shape = {
  name: z.string().regex(/^[a-zA-Z_][a-zA-Z0-9_.-]*$/, "must be a letter, then letters, digits, '_', '.' or '-'"),
  label: z.string().optional().describe("Label in the form; the name when absent."),
  tooltip: z.string().default(""),
  required: z.boolean().default(false),
  hide: z.boolean().default(false),
  regex: regex.nullable().default(null).describe("The value must match it."),
  maxsize: z
    .int()
    .positive()
    .nullable()
    .default(null)
    .describe("Maximum number of characters; 4,096 when absent, 65,536 for a multi-line text."),
  autopopulate: z
    .record(z.string(), z.json())
    .nullable()
    .default(null)
    .describe("Values of other fields, set by the value of this one."),
};

const string = z.strictObject({
  ...shape,
  type: z.literal("string"),
  default: z.string().default(""),
  size: z.int().positive().default(10),
});
const text = z.strictObject({
  ...shape,
  type: z.literal("text"),
  default: z.string().default(""),
  cols: z.int().positive().default(80),
  rows: z.int().positive().default(20),
});
const int = z.strictObject({
  ...shape,
  type: z.literal("int"),
  default: z.int().default(0),
  size: z.int().positive().default(10),
});
const bool = z.strictObject({ ...shape, type: z.literal("bool"), default: z.boolean().default(false) });
const choice = z.strictObject({
  ...shape,
  type: z.literal("choice"),
  choices: z.array(z.string()).min(1),
  default: z.union([z.string(), z.array(z.string())]).default(""),
  multiple: z.boolean().default(false),
  strict: z.boolean().default(true).describe("Accepts only the listed choices."),
});
const fixed = z.strictObject({ ...shape, type: z.literal("fixed"), default: z.string().default("") });

export interface NestedParameter {
  type: "nested";
  name: string;
  label?: string | undefined;
  layout: "simple" | "vertical" | "tabs";
  columns?: number | undefined;
  fields: Parameter[];
}
export interface NestedInput {
  type: "nested";
  name?: string | undefined;
  label?: string | undefined;
  layout?: NestedParameter["layout"] | undefined;
  columns?: number | undefined;
  fields: ParameterInput[];
}

const plain = [string, text, int, bool, choice, fixed] as const;
export type Parameter = z.output<(typeof plain)[number]> | NestedParameter;
export type ParameterInput = z.input<(typeof plain)[number]> | NestedInput;

const nested = z.strictObject({
  type: z.literal("nested"),
  name: z
    .union([z.literal(""), shape.name])
    .default("")
    .describe("Prefix of its fields' names; empty for none."),
  label: z.string().optional(),
  layout: z.enum(["simple", "vertical", "tabs"]).default("vertical"),
  columns: z.int().min(1).max(4).optional(),
  fields: z.lazy((): z.ZodType<Parameter[], ParameterInput[]> => z.array(parameter).min(1)),
});

/** A question to the user who forces a build; each answer becomes a property. */
export const parameter: z.ZodType<Parameter, ParameterInput> = z.discriminatedUnion("type", [...plain, nested]);

/** A field of the force dialog, in the form of Buildbot's frontend. */
export type Field = { readonly [key: string]: Json };

const publishedType = {
  string: "text",
  text: "textarea",
  int: "int",
  bool: "bool",
  choice: "list",
  fixed: "fixed",
} as const;

/** The published form of a parameter, with its path in the tree as full name. */
export function describeParameter(parameter: Parameter, parent: string | null): Field {
  if (parameter.type === "nested")
    return describeNest(parameter, parent, (name) => parameter.fields.map((field) => describeParameter(field, name)));
  const { type, label = parameter.name, name, ...rest } = parameter;
  return {
    multiple: false,
    ...rest,
    hide: rest.hide || type === "fixed",
    name,
    label,
    tablabel: label,
    type: publishedType[type],
    fullName: joinName(parent, name),
  };
}

/** A group of fields; `fields` gets the prefix of their full names. */
export function describeNest(
  nest: { name: string; label?: string | undefined; layout?: string; columns?: number | undefined },
  parent: string | null,
  fields: (fullName: string | null) => Field[],
): Field {
  const { name, label = name, layout = "vertical", columns } = nest;
  const fullName = joinName(parent, name);
  const inner = fields(fullName);
  return {
    autopopulate: null,
    columns: columns ?? (inner.filter((field) => !field["hide"]).length >= 4 ? 2 : 1),
    default: "",
    fields: inner,
    fullName,
    hide: false,
    label,
    layout,
    maxsize: null,
    multiple: false,
    name,
    regex: null,
    required: false,
    tablabel: label,
    tooltip: "",
    type: "nested",
  };
}

function joinName(parent: string | null, name: string): string | null {
  if (name === "") return parent;
  return parent === null ? name : `${parent}_${name}`;
}

function isRegex(source: string): boolean {
  try {
    return boundedPattern(source).source === source;
  } catch {
    return false;
  }
}
