import type { z } from "zod";
import type { StepDefinition } from "../define-step.ts";
import { whatOnlyConfigsHave } from "../step-options.ts";

/** Options that only a config may set: locks belong to the cluster. */
const ofConfig = new Set(["locks"]);

/** One option of a step, as far as a pipeline file can say it. */
export interface PipelineOption {
  readonly name: string;
  readonly schema: z.ZodType;
}

/** The options of a kind of step, by name. */
export function shapeOf(kind: StepDefinition): Readonly<Record<string, z.ZodType>> {
  return (kind.rendered as z.ZodObject).shape as Readonly<Record<string, z.ZodType>>;
}

/** The options of a kind of step that a pipeline file may set. */
export function optionsOf(kind: StepDefinition): PipelineOption[] {
  return Object.entries(shapeOf(kind))
    .filter(([name, schema]) => whyNotHere(name, schema) === undefined)
    .map(([name, schema]) => ({ name, schema }));
}

/** Why no pipeline file can have a kind of step, whatever a config allows: it needs an option that a file cannot say. */
export function whyNeverHere(kind: StepDefinition): string | undefined {
  for (const [name, schema] of Object.entries(shapeOf(kind))) {
    const why = whyNotHere(name, schema);
    if (why !== undefined && !schema.safeParse(undefined).success) return `needs "${name}", which ${why}`;
  }
  return undefined;
}

/** Why an option of a config cannot stand in a pipeline file; undefined: it can. */
export function whyNotHere(name: string, schema: z.ZodType): string | undefined {
  if (ofConfig.has(name)) return "is for the config alone, and cannot stand in a pipeline file";
  const what = whatOnlyConfigsHave(schema);
  if (what === "function") return "is a function in a config, which a pipeline file cannot say";
  return what && "has steps of a config, which a pipeline file cannot say within a step";
}
