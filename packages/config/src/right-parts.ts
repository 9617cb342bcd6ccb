import type { z } from "zod";
import { descriptorOf, type PluginDescriptor, type PluginKind } from "./plugin.ts";
import { type BuilderConfig, type BuildersSlice, builderConfig, buildersSlice } from "./slices/builders.ts";
import { type SchedulerSlice, schedulerSlice } from "./slices/scheduler.ts";
import { type WorkersSlice, workerConfig, workersSlice } from "./slices/workers.ts";

/**
 * A slice with errors of its own, as far as it is right, for the checks between parts. What is wrong is replaced: an option by
 * its default, a part by one that has its name and nothing else. So each part keeps its index, and its name is known.
 */
export interface RightParts<Slice> {
  readonly slice: Slice;
  /** Whether the names of all its parts are known: if not, a name that no part has may be that of one of the others. */
  readonly isNamed: boolean;
  /** The options of the slice itself that are wrong. */
  readonly wrong: ReadonlySet<string>;
}

/** The right parts of a scheduler slice; undefined if it is no object. */
export function rightScheduler(given: unknown): RightParts<SchedulerSlice> | undefined {
  return rightParts(given, schedulerSlice.shape, {
    changeSources: listOf("change-source"),
    schedulers: listOf("scheduler"),
    reporters: listOf("reporter"),
  });
}

/** The right parts of a workers slice; undefined if it is no object. */
export function rightWorkers(given: unknown): RightParts<WorkersSlice> | undefined {
  return rightParts(given, workersSlice.shape, {
    workers: (value, place) => {
      const parsed = workerConfig.safeParse(value);
      if (parsed.success) return { part: parsed.data, isNamed: true };
      const { name, isNamed } = nameOf(value, place);
      return { part: { ...workerConfig.parse({ name: "unnamed", local: true }), local: false, name }, isNamed };
    },
    latent: listOf("latent-worker"),
  });
}

/** The right parts of the builder set of that name; undefined if it is no object. */
export function rightBuilders(given: unknown, set: string): RightParts<BuildersSlice> | undefined {
  return rightParts(given, buildersSlice.shape, {
    secretProviders: listOf("secret-provider"),
    builders: (value, place) => {
      const parsed = builderConfig.safeParse(value);
      return parsed.success ? { part: parsed.data, isNamed: true } : rightBuilder(value, `${set}: ${place}`);
    },
  });
}

function rightBuilder(given: unknown, place: string): Part {
  const { steps, ...shape } = builderConfig.shape;
  const { values, wrong } = rightOptions(asObject(given) ?? {}, shape);
  const { workers, steps: its } = asObject(given) ?? {};
  const { name, isNamed } = nameOf(given, place);
  const part = {
    ...values,
    name,
    // Without its own directory it would seem to share that of another one.
    workers: wrong.has("builddir") ? [] : asList(workers).filter((one) => typeof one === "string"),
    steps: asList(its).map((step, i) => listOf("step")(step, `steps[${i}]`).part as PluginDescriptor<"step">),
  } satisfies Partial<BuilderConfig>;
  // Reporters choose by tags, which belong to its name here.
  return { part, isNamed: isNamed && !wrong.has("tags") };
}

/** A part, or what stands for it. */
interface Part {
  readonly part: unknown;
  readonly isNamed: boolean;
}

function rightParts<Slice>(
  given: unknown,
  shape: Readonly<Record<string, z.ZodType>>,
  lists: Readonly<Record<string, (value: unknown, place: string) => Part>>,
): RightParts<Slice> | undefined {
  const options = asObject(given);
  if (options === undefined) return undefined;
  const { values, wrong } = rightOptions(
    options,
    Object.fromEntries(Object.entries(shape).filter(([option]) => !(option in lists))),
  );
  let isNamed = true;
  for (const [list, read] of Object.entries(lists)) {
    if (!Array.isArray(options[list]) && !shape[list]?.safeParse(options[list]).success) isNamed = false;
    const parts = asList(options[list]).map((value, i) => read(value, `${list}[${i}]`));
    isNamed &&= parts.every((part) => part.isNamed);
    values[list] = parts.map(({ part }) => part);
  }
  return { slice: values as Slice, isNamed, wrong };
}

/** Each option by itself; what is wrong has its default. */
function rightOptions(given: Readonly<Record<string, unknown>>, shape: Readonly<Record<string, z.ZodType>>) {
  const values: Record<string, unknown> = {};
  const wrong = new Set<string>();
  for (const [option, schema] of Object.entries(shape)) {
    const parsed = schema.safeParse(given[option]);
    if (!parsed.success) wrong.add(option);
    values[option] = parsed.success ? parsed.data : schema.safeParse(undefined).data;
  }
  return { values, wrong };
}

/** A descriptor; one whose options are wrong is replaced by one without any, which has its name. */
function listOf(kind: PluginKind): (value: unknown, place: string) => Part {
  const schema = descriptorOf(kind);
  return (value, place) => {
    const parsed = schema.safeParse(value);
    if (parsed.success) return { part: parsed.data, isNamed: true };
    const { plugin, options } = (asObject(value) ?? {}) as Partial<PluginDescriptor<"scheduler">>;
    const { maxInstances = 1 } = asObject(options) ?? {};
    const { name, isNamed } = nameOf(options, place);
    const triggerable = plugin?.triggerable === true;
    const standIn = { kind, type: "unchecked", triggerable, namesOf: () => [] };
    return { part: { plugin: standIn, options: { name, maxInstances } }, isNamed };
  };
}

/** The name of a part; of one without, where it is, which is no name of another part. */
function nameOf(given: unknown, place: string): { name: string; isNamed: boolean } {
  const name = asObject(given)?.["name"];
  return typeof name === "string" && name !== "" ? { name, isNamed: true } : { name: `(${place})`, isNamed: false };
}

function asObject(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : undefined;
}

const asList = (value: unknown): readonly unknown[] => (Array.isArray(value) ? (value as unknown[]) : []);
