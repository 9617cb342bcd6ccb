import type { PluginDescriptor } from "@multimaster/config";
import type { StepDefinition } from "@multimaster/plugins/define-step";
import { builtInSteps } from "@multimaster/plugins/pipeline/built-in-steps";
import { expect, it } from "vitest";
import { z } from "zod";
import showcase from "../../../configs/showcase/builders.ts";

/** Options that the showcase does not use, each with the reason. */
const exceptions: Readonly<Record<string, string>> = {};

/** What a schema is around its wrappers: optional, with a default, transformed. */
function* partsOf(schema: unknown): Generator<z.ZodType> {
  if (schema instanceof z.ZodPipe) yield* partsOf(schema.in);
  else if (schema instanceof z.ZodUnion) for (const option of schema.options) yield* partsOf(option);
  else if (
    schema instanceof z.ZodOptional ||
    schema instanceof z.ZodNullable ||
    schema instanceof z.ZodDefault ||
    schema instanceof z.ZodPrefault
  )
    yield* partsOf(schema.unwrap());
  else if (schema instanceof z.ZodType) yield schema;
}

/** Every option within a schema, by the path to it. */
function* optionsOf(schema: unknown, path: string): Generator<[path: string, schema: z.ZodType]> {
  for (const part of partsOf(schema)) {
    if (part instanceof z.ZodArray) yield* optionsOf(part.element, path);
    if (!(part instanceof z.ZodObject)) continue;
    for (const [name, option] of Object.entries(part.shape) as [string, z.ZodType][]) {
      yield [`${path}.${name}`, option];
      yield* optionsOf(option, `${path}.${name}`);
    }
  }
}

/** The options that a value has; of a function of the build nothing is known. */
function* usedIn(schema: unknown, value: unknown): Generator<z.ZodType> {
  for (const part of partsOf(schema)) {
    if (part instanceof z.ZodArray && Array.isArray(value)) for (const item of value) yield* usedIn(part.element, item);
    if (!(part instanceof z.ZodObject) || typeof value !== "object" || value === null) continue;
    for (const [name, inner] of Object.entries(value)) {
      const option: unknown = Object.hasOwn(part.shape, name) ? part.shape[name] : undefined;
      if (inner === undefined || !(option instanceof z.ZodType)) continue;
      yield option;
      yield* usedIn(option, inner);
    }
  }
}

/** All steps of the showcase, those within others included. */
function listSteps(steps: readonly PluginDescriptor<"step">[]): PluginDescriptor<"step">[] {
  return steps.flatMap((step) => [
    step,
    ...listSteps(step.plugin.inner?.(step.options).map((inner) => inner.step) ?? []),
  ]);
}

const steps = showcase.builders.flatMap((builder) => listSteps(builder.steps as PluginDescriptor<"step">[]));

it("the showcase has every kind of step", () => {
  expect([...new Set(steps.map(({ plugin }) => plugin.type))].toSorted()).toEqual(
    [...builtInSteps().keys()].toSorted(),
  );
});

it("the showcase has every option of the steps; one that several kinds share, once", () => {
  const used = new Set(
    steps.flatMap(({ plugin, options }) => [...usedIn((plugin as StepDefinition).rendered, options)]),
  );
  const missing = new Map<z.ZodType, string>();
  for (const { type, rendered } of builtInSteps().values())
    for (const [path, option] of optionsOf(rendered, type))
      if (!used.has(option) && !missing.has(option)) missing.set(option, path);
  expect([...missing.values()].toSorted()).toEqual(Object.keys(exceptions).toSorted());
});
