import type { Interest, Pattern } from "@multimaster/bus";
import type { Json } from "@multimaster/core";
import type { AnyResource } from "../model/define-resource.ts";
import type { EventPublishers } from "../model/event-names.ts";
import type { ItemReader } from "../read/item-reader.ts";
import type { OwnEvents } from "./own-events.ts";
import type { Enqueue, Message } from "./publish-queue.ts";

type Facts = Readonly<Record<string, Json>>;
type Publishers = Readonly<Record<string, (ids: readonly number[], facts?: Facts) => Promise<void>>>;

interface Options {
  readonly reader: ItemReader;
  readonly enqueue: Enqueue;
  readonly own: OwnEvents;
  /** Who subscribes: an event that no one hears is not read. Undefined: not known. */
  readonly interest: Interest | undefined;
}

/** Returns the events of a resource as functions that publish them; the same ones for the same resource. */
export function createPublishers({ reader, enqueue, own, interest }: Options) {
  const known = new Map<AnyResource, Publishers>();

  function create(resource: AnyResource): Publishers {
    const publisher = (event: string) => {
      const keys = topicsOf(resource, event).map((template) => [...patternOf(template), event]);
      const isHeard = () => interest === undefined || keys.some((key) => interest.has(key));
      return (ids: readonly number[], facts: Facts = {}) => {
        if (ids.length === 0) return Promise.resolve();
        own.note(resource, event);
        return isHeard() ? enqueue(() => readMessages(reader, resource, event, ids, facts)) : Promise.resolve();
      };
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
  const topics = topicsOf(resource, event);
  const items = await reader.read(resource, ids);
  return ids.flatMap((id) => {
    const item = items.get(id);
    if (!item) return [];
    const payload = (resource.events?.payload ? resource.events.payload(event, item, facts) : item) as Json;
    return topics.map((template) => [[...fillTopic(template, item), event], payload] as const);
  });
}

function topicsOf({ events }: AnyResource, event: string): readonly string[] {
  return events?.only?.[event] ?? events?.topics ?? [];
}

/** The topics that a template may become. */
export function patternOf(template: string): Pattern {
  return template.split("/").map((part) => (part.startsWith(":") ? null : part));
}

/** A missing value stands in topics as the text `None`, as Buildbot writes it. */
function fillTopic(template: string, item: Readonly<Record<string, unknown>>): string[] {
  return template.split("/").map((part) => (part.startsWith(":") ? String(item[part.slice(1)] ?? "None") : part));
}
