import type { Json } from "@multimaster/core";
import type { z } from "zod";

/** Payload fields of an event beside those of its object, by event. */
export type EventFacts<Event extends string> = { readonly [E in Event]?: z.ZodRawShape };

/** What a resource publishes to the cluster. Templates are topics: `:field` is replaced by the value of the row. */
export interface ResourceEvents<Item, Event extends string, Facts extends EventFacts<Event>, Topic extends string> {
  /** Each event by its name, with a sentence: who reacts to it, and what happens if no one does. */
  readonly names: Readonly<Record<Event, string>>;
  /** Published in this order, back to back. The one whose only variable is the id is what subscribers listen to. */
  readonly topics: readonly Topic[];
  /** Events that are published on fewer topics. */
  readonly only?: { readonly [E in NoInfer<Event>]?: readonly NoInfer<Topic>[] };
  /** What the publisher of an event has to state beside the ids of its objects. */
  readonly facts?: Facts;
  /** Ids that another program's message may name beside its object's. */
  readonly ids?: readonly string[];
  /** Shapes the payload of an event where it is not the object itself. */
  payload?(event: NoInfer<Event>, item: Item, facts: Readonly<Record<string, Json>>): Json;
}
