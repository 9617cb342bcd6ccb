import type { Bus, Key, Pattern, Subscription } from "@multimaster/bus";
import type { Json, Logger, SourcedProperties } from "@multimaster/core";
import type { Connection } from "@multimaster/database";
import type { AnyResource, ControlSubject } from "../model/define-resource.ts";
import { createItemReader, type ItemReader } from "../read/item-reader.ts";

/**
 * What a subscriber of a resource's events gets: which object to read. Anyone who may publish at the router writes the
 * payload, so it is not passed on: the rows decide.
 */
export interface ResourceEvent {
  readonly id: number;
  readonly event: string;
}

/** Which object a control message is about: a reason to read its rows, and nothing else. */
export interface ControlMessage {
  readonly of: ControlSubject;
  readonly id: number;
  readonly action: string;
}

/** A control message of a master that writes no rows for it, with the reason that it names. */
export interface ForeignControlMessage extends ControlMessage {
  readonly reason: string;
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
  on(
    resource: AnyResource,
    event: string | null,
    handler: (message: ResourceEvent) => void | Promise<void>,
    only?: { id: number },
  ): Promise<Subscription>;
  /** Calls `handler` with the id of the object that each such event's object belongs to, as the topic names it. */
  onPartOf(
    resource: AnyResource,
    event: string,
    whole: string,
    handler: (id: number) => void | Promise<void>,
  ): Promise<Subscription>;
  onControl(
    pattern: { of: ControlSubject; id?: number; action?: string },
    handler: (message: ControlMessage) => void | Promise<void>,
  ): Promise<Subscription>;
  /** The same with the sender's reason, for the one place that turns Buildbot's messages into rows where the config says so. */
  onForeignControl(
    of: ControlSubject,
    handler: (message: ForeignControlMessage) => void | Promise<void>,
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
      return bus.subscribe(pattern, ({ key }) => handler({ id: Number(key[at]), event: key.at(-1) as string }));
    },
    onPartOf(resource, event, whole, handler) {
      const template = resource.events?.topics.find((topic) => topic.split("/")[1] === `:${whole}`);
      if (template === undefined) throw new TypeError(`no topic of ${resource.plural} begins with ${whole}`);
      const pattern = template.split("/").map((part) => (part.startsWith(":") ? null : part));
      return bus.subscribe([...pattern, event], ({ key }) => handler(Number(key[1])));
    },
    onControl({ of, id, action }, handler) {
      const pattern: Pattern = ["control", of, id === undefined ? null : String(id), action ?? null];
      return bus.subscribe(pattern, ({ key }) => handler({ of, id: Number(key[2]), action: key[3] as string }));
    },
    onForeignControl: (of, handler) =>
      bus.subscribe(["control", of, null, null], ({ key, payload }) =>
        handler({ of, id: Number(key[2]), action: key[3] as string, reason: reasonOf(payload) }),
      ),
  };
}

function reasonOf(payload: Json): string {
  const given = typeof payload === "object" && payload !== null && "reason" in payload ? payload["reason"] : undefined;
  return typeof given === "string" && given !== "" ? given.slice(0, 1000) : "no reason";
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
