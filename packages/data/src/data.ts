import type { Bus, BusState } from "@multimaster/bus";
import type { Lease } from "@multimaster/cluster";
import type { Clock, Logger, UserError } from "@multimaster/core";
import type { Database } from "@multimaster/database";
import { createRest, type Rest } from "./api/rest.ts";
import { createEvents, type Events } from "./events/events.ts";
import { createLiveEvents, type LiveEvents } from "./events/live/live-events.ts";
import type { AnyResource, Item, WritesView } from "./model/define-resource.ts";
import type { Found, Query } from "./model/query.ts";
import { explainDatabase } from "./read/explain-database.ts";
import { findItems, getItem } from "./read/read-items.ts";
import { createUpdates, type Updates } from "./updates/index.ts";

/** A role's access to the state of the cluster: reading, writing, events. */
export interface Data {
  readonly updates: Updates;
  find<R extends AnyResource>(resource: R, query?: Query): Promise<Found<Item<R>>>;
  get<R extends AnyResource>(resource: R, id: number | string): Promise<Item<R> | undefined>;
  readonly events: Events;
  /** The same events for browsers and other clients. */
  readonly live: LiveEvents;
  /** The state of the message bus; without messages, work continues more slowly. */
  readonly bus: {
    readonly kind: Bus["kind"];
    readonly state: BusState;
    readonly degradedSince: number | null;
    onState(listener: (state: BusState) => void): () => void;
  };
  /** Whether the database accepts writes; absent if this process does not check. */
  readonly writes: WritesView | undefined;
  /** Whether an error comes from an unavailable or overloaded database: retry later. */
  isDatabaseAway(error: unknown): boolean;
  /** The sentence for a user whose request met such an error: whether the database does not answer, or refuses and why. */
  explainDatabase(error: unknown): UserError | undefined;
  /** The data API as HTTP sees it, without HTTP. */
  readonly rest: Rest;
}

export interface DataOptions {
  readonly database: Database;
  readonly bus: Bus;
  readonly lease: Lease;
  readonly writes?: WritesView;
  readonly log: Logger;
  readonly clock: Clock;
}

/** Creates the data layer over an open database and a running bus; it owns neither. */
export function createData({ database, bus, lease, writes, log, clock }: DataOptions): Data {
  const events = createEvents({ bus, connection: database, log });
  const updates = createUpdates({ database, lease, events, clock, log });
  return {
    updates,
    events,
    live: createLiveEvents({ bus, connection: database, clock, log }),
    async find(resource, query) {
      return (
        (await findItems(resource, database, query, { bus, ...(writes ? { writes } : {}) })) ?? { rows: [], total: 0 }
      );
    },
    get: (resource, id) => getItem(resource, database, id),
    bus: {
      kind: bus.kind,
      get state() {
        return bus.state;
      },
      get degradedSince() {
        return bus.degradedSince;
      },
      onState: (listener) => bus.onState(listener),
    },
    writes,
    isDatabaseAway: (error) => database.dialect.isAway(error),
    explainDatabase: (error) => explainDatabase(database, error),
    rest: createRest({ database, updates, events, bus, writes }),
  };
}
