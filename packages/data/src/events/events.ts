import type { Bus, Key, Pattern, Subscription } from "@multimaster/bus";
import type { Json, Logger, SourcedProperties } from "@multimaster/core";
import type { Connection } from "@multimaster/database";
import { type ControlAction, type ControlSubject, isWrittenStop } from "../model/control-messages.ts";
import type { AnyResource, Item } from "../model/define-resource.ts";
import { type EventName, type EventPublishers, topicById } from "../model/event-names.ts";
import { createItemReader } from "../read/item-reader.ts";
import { createOwnEvents } from "./own-events.ts";
import { createPublishQueue } from "./publish-queue.ts";
import { createPublishers, patternOf } from "./publishers.ts";

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

/** A control message that may be of a master that writes no rows for it, with the reason that it names. */
export interface ForeignControlMessage extends ControlMessage {
  readonly reason: string;
  /** A stop or cancel of one of our masters, which has written the rows before. */
  readonly isWritten: boolean;
}

/** For a subscriber that only wakes. */
export interface EarlyOption {
  /**
   * Called for events of this process instead of the handler: as soon as they are to be published, before the rows are read
   * for that. A muted bus withholds these as well.
   */
  readonly early?: () => void;
}

/**
 * The messages that masters publish about resources: the only place that builds a topic. Messages only wake; each receiver
 * also polls the rows, so nothing is lost when a message is.
 */
export interface Events {
  /**
   * The events of a resource, one function each: `events.of(builds).finished(ids)`. Each reads the objects again, in one
   * query, and publishes them on every topic of the resource, after everything that this process published before. It
   * never fails: the rows are committed, so errors are only logged.
   */
  of<R extends AnyResource>(resource: R): EventPublishers<R>;
  /** `builds.<id>.properties.update`, with only the changed properties. */
  publishProperties(buildid: number, changed: SourcedProperties): Promise<void>;
  /** `control.<of>.<id>.<action>`: to the master that holds the thing. */
  publishControl<S extends ControlSubject>(
    of: S,
    id: number,
    action: ControlAction<S>,
    payload: { readonly [field: string]: Json },
  ): Promise<void>;
  /** For what is no resource. In order with the rest. */
  publishRaw(key: Key, payload: Json): Promise<void>;
  /** Calls `handler` for each such event of the cluster; `event` null means all of them. */
  on<R extends AnyResource>(
    resource: R,
    event: EventName<R> | null,
    handler: (message: ResourceEvent) => void | Promise<void>,
    options?: EarlyOption & { readonly id?: number },
  ): Promise<Subscription>;
  /** Calls `handler` with the id of the object that each such event's object belongs to, as the topic names it. */
  onPartOf<R extends AnyResource>(
    resource: R,
    event: EventName<R>,
    whole: keyof Item<R> & string,
    handler: (id: number) => void | Promise<void>,
    options?: EarlyOption,
  ): Promise<Subscription>;
  onControl<S extends ControlSubject>(
    pattern: { of: S; id?: number; action?: ControlAction<S> },
    handler: (message: ControlMessage) => void | Promise<void>,
  ): Promise<Subscription>;
  /** The same with the sender's reason, for the one place that turns Buildbot's messages into rows where the config says so. */
  onForeignControl(
    of: ControlSubject,
    handler: (message: ForeignControlMessage) => void | Promise<void>,
  ): Promise<Subscription>;
}

export function createEvents({ bus, connection, log }: { bus: Bus; connection: Connection; log: Logger }): Events {
  const enqueue = createPublishQueue({ bus, connection, log });
  const own = createOwnEvents(bus, log);

  /** With `early`, own messages do not come by the bus: that was called for them. */
  async function subscribe(
    of: { resource: AnyResource; event: string | null },
    pattern: Pattern,
    handler: Parameters<Bus["subscribe"]>[1],
    early: EarlyOption["early"],
  ): Promise<Subscription> {
    if (early === undefined || bus.isMuted) return bus.subscribe(pattern, handler);
    const end = own.listen(of.resource, of.event, early);
    // No other process: the bus would only bring the same once more.
    if (bus.interest) return { unsubscribe: async () => end() };
    const subscription = await bus.subscribe(pattern, (message, publisher) =>
      publisher === "self" ? undefined : handler(message, publisher),
    );
    return {
      unsubscribe() {
        end();
        return subscription.unsubscribe();
      },
    };
  }

  return {
    of: createPublishers({ reader: createItemReader(connection), enqueue, own, interest: bus.interest }),
    publishProperties: (buildid, changed) =>
      enqueue(async () =>
        Object.keys(changed).length === 0 ? [] : [[["builds", String(buildid), "properties", "update"], changed]],
      ),
    publishControl: (of, id, action, payload) => enqueue(async () => [[["control", of, String(id), action], payload]]),
    publishRaw: (key, payload) => enqueue(async () => [[key, payload]]),
    on(resource, event, handler, { id: only, early } = {}) {
      const { parts, idAt } = topicById(resource);
      const id = only === undefined ? null : String(only);
      const pattern: Pattern = [...parts.map((part, i) => (i === idAt ? id : part)), event];
      return subscribe(
        { resource, event },
        pattern,
        ({ key }) => handler({ id: Number(key[idAt]), event: key.at(-1) as string }),
        early,
      );
    },
    onPartOf(resource, event, whole, handler, { early } = {}) {
      const template = resource.events?.topics.find((topic) => topic.split("/")[1] === `:${whole}`);
      if (template === undefined) throw new TypeError(`no topic of ${resource.plural} begins with ${whole}`);
      return subscribe(
        { resource, event },
        [...patternOf(template), event],
        ({ key }) => handler(Number(key[1])),
        early,
      );
    },
    onControl({ of, id, action }, handler) {
      const pattern: Pattern = ["control", of, id === undefined ? null : String(id), action ?? null];
      return bus.subscribe(pattern, ({ key }) => handler({ of, id: Number(key[2]), action: key[3] as string }));
    },
    onForeignControl: (of, handler) =>
      bus.subscribe(["control", of, null, null], ({ key, payload }) =>
        handler({
          of,
          id: Number(key[2]),
          action: key[3] as string,
          reason: reasonOf(payload),
          isWritten: isWrittenStop(payload),
        }),
      ),
  };
}

function reasonOf(payload: Json): string {
  const given = typeof payload === "object" && payload !== null && "reason" in payload ? payload["reason"] : undefined;
  return typeof given === "string" && given !== "" ? given.slice(0, 1000) : "no reason";
}
