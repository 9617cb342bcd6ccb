import { z } from "zod";
import type { Json } from "./json.ts";

/** A property with its source, as the data API shows it: `[value, source]`. */
export type SourcedProperty = readonly [value: Json, source: string];

/** Properties by name, as stored with changes, buildsets and builds. */
export type SourcedProperties = Readonly<Record<string, SourcedProperty>>;

export const sourcedProperties: z.ZodType<SourcedProperties> = z.record(
  z.string(),
  z.tuple([z.json(), z.string()]),
) as never;

/** The properties of a build: later settings win over earlier ones; each keeps its source. */
export class Properties {
  #values = new Map<string, SourcedProperty>();
  #changed = new Set<string>();

  static from(properties: SourcedProperties): Properties {
    const result = new Properties();
    result.merge(properties);
    return result;
  }

  get(name: string): Json | undefined {
    return this.#values.get(name)?.[0];
  }

  source(name: string): string | undefined {
    return this.#values.get(name)?.[1];
  }

  has(name: string): boolean {
    return this.#values.has(name);
  }

  set(name: string, value: Json, source: string): void {
    this.#values.set(name, [value, source]);
    this.#changed.add(name);
  }

  merge(properties: SourcedProperties): void {
    for (const [name, [value, source]] of Object.entries(properties)) this.set(name, value, source);
  }

  /** Returns the properties set since the last call, so that only changes are saved. */
  takeChanged(): SourcedProperties {
    const changed = Object.fromEntries(
      [...this.#changed].map((name) => [name, this.#values.get(name) as SourcedProperty]),
    );
    this.#changed.clear();
    return changed;
  }

  toJSON(): SourcedProperties {
    return Object.fromEntries(this.#values);
  }
}
