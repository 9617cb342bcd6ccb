import type { Json } from "@multimaster/core";
import { z } from "zod";
import { describeNest, describeParameter, type Field, parameter, regex } from "./parameters.ts";

/** One field of a source stamp in the form: its default, or its details. */
const stampField = z.union([
  z.string().transform((value) => ({ default: value })),
  z.strictObject({
    default: z.string().optional(),
    label: z.string().optional(),
    required: z.boolean().optional(),
    regex: regex.optional(),
    choices: z.array(z.string()).min(1).optional().describe("Offered as a list."),
    fixed: z.boolean().optional().describe("Not shown; its value is the default."),
  }),
]);

const stampFields = ["branch", "project", "repository", "revision"] as const;

const codebase = z.union([
  z.string().transform((name) => ({ codebase: name })),
  z.strictObject({
    codebase: z.string(),
    label: z.string().optional(),
    branch: stampField.optional(),
    project: stampField.optional(),
    repository: stampField.optional(),
    revision: stampField.optional(),
  }),
]);

/** Parameter names used by the force dialog and the action itself. */
const reserved = ["builderid", "builderNames", "owner"];

export const forceOptions = z
  .strictObject({
    name: z
      .string()
      .max(50)
      .regex(
        /^[a-zA-Z\u00a0-\uffff_-][a-zA-Z0-9\u00a0-\uffff_-]*$/u,
        "must be a letter, then letters, digits, '_' or '-'",
      )
      .describe("Unique in the cluster."),
    builders: z.array(z.string().min(1)).min(1).describe("Names of the builders that it may force."),
    label: z.string().optional().describe("Title of the dialog; the name when absent."),
    buttonName: z.string().optional().describe("Text on the button; the name when absent."),
    reason: z.string().default("force build").describe("Default reason."),
    priority: z.int32({ abort: true }).default(0).describe("Default priority."),
    codebases: z.array(codebase).min(1).prefault([""]).describe("The codebases whose source stamps the form contains."),
    parameters: z.array(parameter).default([]).describe("Further fields; each becomes a property of the build."),
  })
  .superRefine((options, ctx) => {
    const taken = new Set(reserved);
    for (const name of buildForceSpec(options).all_fields.flatMap(listFullNames)) {
      if (taken.has(name))
        ctx.addIssue({ code: "custom", path: ["parameters"], message: `has two fields with the name "${name}"` });
      taken.add(name);
    }
    for (const [i, each] of options.parameters.entries()) {
      if (each.type !== "nested" || each.fields.some(({ name }) => !(stampFields as readonly string[]).includes(name)))
        continue;
      const message = "would count as a source stamp, because it has only fields of one; use codebases for that";
      ctx.addIssue({ code: "custom", path: ["parameters", i], message });
    }
  });

type ForceOptions = z.output<typeof forceOptions>;

/** The REST shape of a force scheduler. */
export function buildForceSpec(options: ForceOptions) {
  const { name, builders, label = name, buttonName = name } = options;
  const asked = describeNest({ name: "" }, null, () => [
    {
      ...describeParameter(parameter.parse({ type: "string", name: "username", label: "Your name:", size: 30 }), null),
      type: "username",
      need_email: true,
    },
    describeParameter(parameter.parse({ type: "string", name: "reason", default: options.reason, size: 20 }), null),
    describeParameter(parameter.parse({ type: "int", name: "priority", default: options.priority }), null),
  ]);
  return {
    name,
    label,
    button_name: buttonName,
    builder_names: [...builders],
    enabled: true,
    all_fields: [
      asked,
      ...options.codebases.map(describeCodebase),
      ...options.parameters.map((each) => describeParameter(each, null)),
    ],
  } satisfies Json;
}

function describeCodebase(asked: ForceOptions["codebases"][number]): Field {
  const given: z.output<typeof codebase> = asked;
  const name = given.codebase;
  const label = ("label" in given ? given.label : undefined) ?? (name === "" ? "" : `Codebase: ${name}`);
  return describeNest({ name, label }, null, (fullName) =>
    stampFields.map((field) => {
      const { choices, fixed, ...more } = {
        choices: undefined,
        fixed: false,
        ...(given as { [K in typeof field]?: z.output<typeof stampField> })[field],
      };
      const type = fixed ? "fixed" : choices ? "choice" : "string";
      const title = `${field[0]?.toUpperCase()}${field.slice(1)}:`;
      return describeParameter(
        parameter.parse({ label: title, ...more, ...(choices && !fixed ? { choices } : {}), type, name: field }),
        fullName,
      );
    }),
  );
}

function listFullNames(field: Field): string[] {
  const inner = field["fields"];
  return Array.isArray(inner) ? (inner as Field[]).flatMap(listFullNames) : [String(field["fullName"])];
}
