import type { z } from "zod";
import type { AnyResource } from "./define-resource.ts";

/** Names of a resource's events. */
export type EventName<R extends AnyResource> = keyof NonNullable<R["events"]>["names"] & string;

type FactsOf<R extends AnyResource, E extends string> = E extends keyof NonNullable<NonNullable<R["events"]>["facts"]>
  ? NonNullable<NonNullable<R["events"]>["facts"]>[E]
  : undefined;

/** The further argument of an event that has facts of its own. */
type FactArguments<Shape> = [Shape] extends [z.ZodRawShape] ? [facts: z.output<z.ZodObject<Shape>>] : [];

/** Publishes one event about these objects. */
export type PublishEvent<R extends AnyResource, E extends string> = (
  ids: readonly number[],
  ...facts: FactArguments<FactsOf<R, E>>
) => Promise<void>;

/** One function for each event of a resource. */
export type EventPublishers<R extends AnyResource> = { readonly [E in EventName<R>]: PublishEvent<R, E> };

/** The topic that names an object by its id alone, in parts; `id` is the index of the id. */
export function topicById(resource: AnyResource): { readonly parts: readonly string[]; readonly idAt: number } {
  const variable = `:${resource.id}`;
  for (const topic of resource.events?.topics ?? []) {
    const parts = topic.split("/");
    if (parts.every((part) => part === variable || !part.startsWith(":")))
      return { parts, idAt: parts.indexOf(variable) };
  }
  throw new TypeError(`${resource.plural} have no topic that names them by ${resource.id} alone`);
}
