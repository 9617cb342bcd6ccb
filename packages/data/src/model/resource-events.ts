import type { Json } from "@multimaster/core";
import type { z } from "zod";
import type { AnyResource } from "./define-resource.ts";

/** Payload fields of an event beside those of its object, by event. */
export type EventFacts<Event extends string> = { readonly [E in Event]?: z.ZodRawShape };

/** What a resource publishes to the cluster. Templates are topics: `:field` is replaced by the value of the row. */
export interface ResourceEvents<Item, Event extends string, Facts extends EventFacts<Event>> {
  /** Each event by its name, with a sentence: who reacts to it, and what happens if no one does. */
  readonly names: Readonly<Record<Event, string>>;
  /** Published in this order, back to back. The one whose only variable is the id is what subscribers listen to. */
  readonly topics: readonly string[];
  /** Events that are published on fewer topics. */
  readonly only?: { readonly [E in NoInfer<Event>]?: readonly string[] };
  /** What the publisher of an event has to state beside the ids of its objects. */
  readonly facts?: Facts;
  /** Ids that another program's message may name beside its object's. */
  readonly ids?: readonly string[];
  /** Shapes the payload of an event where it is not the object itself. */
  payload?(event: NoInfer<Event>, item: Item, facts: Readonly<Record<string, Json>>): Json;
}

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
