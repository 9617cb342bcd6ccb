import type { Json } from "@multimaster/core";
import { z } from "zod";
import type { StepDefinition } from "../define-step.ts";
import { isNeverRendered } from "../step-options.ts";
import { optionsOf, whyNeverHere } from "./pipeline-kinds.ts";

type JsonSchema = { [key: string]: Json };

/** What an option may be that depends on the build. */
const placeholder: JsonSchema = { type: "string", pattern: "\\$\\{\\{" };

/** The JSON schema of pipeline files with these kinds of steps, for editors. */
export function describePipeline(kinds: Iterable<StepDefinition>, maxSteps: number): JsonSchema {
  const steps = [...kinds].filter((kind) => whyNeverHere(kind) === undefined).map(describeStep);
  return {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title: "Multimaster pipeline file",
    type: "object",
    required: ["steps"],
    additionalProperties: false,
    patternProperties: { "^x-": {} },
    properties: {
      steps: {
        description: "The steps, run in order: each is one kind with its options.",
        type: "array",
        minItems: 1,
        maxItems: maxSteps,
        items: { oneOf: steps.map(({ step }) => step) },
      },
    },
    $defs: Object.assign({}, ...steps.map(({ parts }) => parts)) as JsonSchema,
  };
}

/** A step, and the parts that its options refer to: references lead to the `$defs` of the whole schema. */
function describeStep(kind: StepDefinition): { step: JsonSchema; parts: JsonSchema } {
  const { $defs = {}, ...options } = describeOptions(kind);
  const step: JsonSchema = {
    type: "object",
    required: [kind.type],
    additionalProperties: false,
    properties: {
      [kind.type]: (options["required"] as Json[] | undefined)?.length
        ? options
        : { anyOf: [options, { type: "null" }] },
    },
  };
  const place = (schema: Json) =>
    JSON.parse(JSON.stringify(schema).replaceAll('"$ref":"#/$defs/', `"$ref":"#/$defs/${kind.type}.`)) as JsonSchema;
  const parts = Object.entries($defs as JsonSchema).map(([name, part]) => [`${kind.type}.${name}`, place(part)]);
  return { step: place(step), parts: Object.fromEntries(parts) as JsonSchema };
}

function describeOptions(kind: StepDefinition): JsonSchema {
  const shape = Object.fromEntries(optionsOf(kind).map(({ name, schema }) => [name, schema]));
  const { $schema: _, ...described } = z.toJSONSchema(z.strictObject(shape), {
    io: "input",
    unrepresentable: "any",
  }) as JsonSchema;
  const properties = Object.entries((described["properties"] ?? {}) as Record<string, JsonSchema>).map(
    ([name, schema]): [string, JsonSchema] =>
      isNeverRendered(kind.rendered as z.ZodObject, name) || schema["type"] === "string"
        ? [name, schema]
        : [name, allowPlaceholder(schema)],
  );
  return { ...described, properties: Object.fromEntries(properties) };
}

function allowPlaceholder({ description, default: usual, ...schema }: JsonSchema): JsonSchema {
  return {
    ...(description === undefined ? {} : { description }),
    ...(usual === undefined ? {} : { default: usual }),
    anyOf: [schema, placeholder],
  };
}
