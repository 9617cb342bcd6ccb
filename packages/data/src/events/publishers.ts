import type { Json } from "@multimaster/core";
import type { AnyResource } from "../model/define-resource.ts";
import type { EventPublishers } from "../model/event-names.ts";
import type { ItemReader } from "../read/item-reader.ts";
import type { OwnEvents } from "./own-events.ts";
import type { Enqueue, Message } from "./publish-queue.ts";

type Facts = Readonly<Record<string, Json>>;
type Publishers = Readonly<Record<string, (ids: readonly number[], facts?: Facts) => Promise<void>>>;

/** Returns the events of a resource as functions that publish them; the same ones for the same resource. */
export function createPublishers(reader: ItemReader, enqueue: Enqueue, own: OwnEvents) {
  const known = new Map<AnyResource, Publishers>();

  function create(resource: AnyResource): Publishers {
    const publisher =
      (event: string) =>
      (ids: readonly number[], facts: Facts = {}) => {
        if (ids.length === 0) return Promise.resolve();
        own.note(resource, event);
        return enqueue(() => readMessages(reader, resource, event, ids, facts));
      };
    return Object.fromEntries(Object.keys(resource.events?.names ?? {}).map((event) => [event, publisher(event)]));
  }

  return <R extends AnyResource>(resource: R): EventPublishers<R> => {
    const publishers = known.get(resource) ?? create(resource);
    known.set(resource, publishers);
    return publishers as unknown as EventPublishers<R>;
  };
}

async function readMessages(
  reader: ItemReader,
  resource: AnyResource,
  event: string,
  ids: readonly number[],
  facts: Facts,
): Promise<Message[]> {
  const { topics = [], only } = resource.events ?? {};
  const items = await reader.read(resource, ids);
  return ids.flatMap((id) => {
    const item = items.get(id);
    if (!item) return [];
    const payload = (resource.events?.payload ? resource.events.payload(event, item, facts) : item) as Json;
    return (only?.[event] ?? topics).map((template) => [[...fillTopic(template, item), event], payload] as const);
  });
}

/** A missing value stands in topics as the text `None`, as Buildbot writes it. */
function fillTopic(template: string, item: Readonly<Record<string, unknown>>): string[] {
  return template.split("/").map((part) => (part.startsWith(":") ? String(item[part.slice(1)] ?? "None") : part));
}
