import type { Bus, Key, Pattern, Subscription } from "@multimaster/bus";
import type { Json, Logger, SourcedProperties } from "@multimaster/core";
import type { Connection } from "@multimaster/database";
import type { AnyResource, ControlSubject, Item } from "./define-resource.ts";
import { createItemReader, type ItemReader } from "./item-reader.ts";

/** What a subscriber of a resource's events gets. */
export interface ResourceEvent<R extends AnyResource> {
  readonly id: number;
  readonly event: string;
  /** The object as it was shortly after the event, or what fits the bus's cap: read the row when a field is missing. */
  readonly payload: Partial<Item<R>> | null;
}

export interface ControlMessage {
  readonly of: ControlSubject;
  readonly id: number;
  readonly action: string;
  readonly payload: Json;
}

/**
 * What masters tell each other about resources: the only place that writes a topic. Messages only wake; whoever reacts
 * to one also looks at the rows on a timer, so nothing is lost when nobody hears it.
 */
export interface Events {
  /**
   * Reads the objects again, in one query, and publishes them on every topic of the resource, after everything that was
   * published before by this process. It never fails: the rows are committed, so errors are only logged.
   * `extra` is what the payload of some events has beside the object: `scheduler` of a new buildset, `masterid` of a
   * builder that started or stopped.
   */
  publish(
    resource: AnyResource,
    event: string,
    ids: readonly number[],
    extra?: Readonly<Record<string, Json>>,
  ): Promise<void>;
  /** `builds.<id>.properties.update`, with only the changed properties. */
  publishProperties(buildid: number, changed: SourcedProperties): Promise<void>;
  /** `control.<of>.<id>.<action>`: to the master that holds the thing. */
  publishControl(
    of: ControlSubject,
    id: number,
    action: string,
    payload: { readonly [field: string]: Json },
  ): Promise<void>;
  /** For what is no resource. In order with the rest. */
  publishRaw(key: Key, payload: Json): Promise<void>;
  /** Calls `handler` for each such event of the cluster; `event` null means all of them. */
  on<R extends AnyResource>(
    resource: R,
    event: string | null,
    handler: (message: ResourceEvent<R>) => void | Promise<void>,
    only?: { id: number },
  ): Promise<Subscription>;
  onControl(
    pattern: { of: ControlSubject; id?: number; action?: string },
    handler: (message: ControlMessage) => void | Promise<void>,
  ): Promise<Subscription>;
}

export function createEvents({ bus, connection, log }: { bus: Bus; connection: Connection; log: Logger }): Events {
  const reader = createItemReader(connection);
  // Reads run side by side, publishing is in the order of the calls.
  let tail: Promise<void> = Promise.resolve();

  function enqueue(read: () => Promise<readonly (readonly [Key, Json])[]>): Promise<void> {
    const reading = read().catch((error: unknown) => {
      // Events only wake and show: who needs the rows reads them as well, so nothing is lost.
      const isAway = connection.dialect.isAway(error);
      const sentence = "an event is not published, since its rows could not be read; it is found in the rows later";
      if (isAway) log.debug({ err: error }, sentence);
      else log.warn({ err: error }, sentence);
      return [];
    });
    tail = tail.then(async () => {
      for (const [key, payload] of await reading) bus.publish(key, payload);
    });
    return tail;
  }

  return {
    publish: (resource, event, ids, extra = {}) =>
      ids.length === 0 ? Promise.resolve() : enqueue(() => readMessages(reader, resource, event, ids, extra)),
    publishProperties: (buildid, changed) =>
      enqueue(async () =>
        Object.keys(changed).length === 0 ? [] : [[["builds", String(buildid), "properties", "update"], changed]],
      ),
    publishControl: (of, id, action, payload) => enqueue(async () => [[["control", of, String(id), action], payload]]),
    publishRaw: (key, payload) => enqueue(async () => [[key, payload]]),
    on(resource, event, handler, only) {
      const template = resource.events?.subscribe;
      if (template === undefined) throw new TypeError(`${resource.plural} have no events`);
      const parts = template.split("/");
      const at = parts.findIndex((part) => part.startsWith(":"));
      const pattern: Pattern = [...parts.map((part, i) => (i === at ? (only ? String(only.id) : null) : part)), event];
      return bus.subscribe(pattern, ({ key, payload }) =>
        handler({
          id: Number(key[at]),
          event: key.at(-1) as string,
          payload: payload as Partial<Item<typeof resource>> | null,
        }),
      );
    },
    onControl({ of, id, action }, handler) {
      const pattern: Pattern = ["control", of, id === undefined ? null : String(id), action ?? null];
      return bus.subscribe(pattern, ({ key, payload }) =>
        handler({ of, id: Number(key[2]), action: key[3] as string, payload }),
      );
    },
  };
}

async function readMessages(
  reader: ItemReader,
  resource: AnyResource,
  event: string,
  ids: readonly number[],
  extra: Readonly<Record<string, Json>>,
): Promise<(readonly [Key, Json])[]> {
  const { events } = resource;
  if (!events?.names.includes(event)) throw new TypeError(`${resource.plural} have no event "${event}"`);
  const items = await reader.read(resource, ids);
  return ids.flatMap((id) => {
    const item = items.get(id);
    if (!item) return [];
    const payload = (events.payload ? events.payload(event, item, extra) : item) as Json;
    return (events.only?.[event] ?? events.topics).map(
      (template) => [[...fillTopic(template, item), event], payload] as const,
    );
  });
}

/** A missing value stands in topics as the text `None`, as Buildbot writes it. */
function fillTopic(template: string, item: Readonly<Record<string, unknown>>): string[] {
  return template.split("/").map((part) => (part.startsWith(":") ? String(item[part.slice(1)] ?? "None") : part));
}
