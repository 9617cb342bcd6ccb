import type { Lease } from "@multimaster/cluster";
import type { Clock, Logger } from "@multimaster/core";
import type { Database } from "@multimaster/database";
import type { Events } from "../events/events.ts";

/** What every update works with. */
export interface UpdateContext {
  readonly database: Database;
  readonly lease: Lease;
  readonly events: Events;
  readonly clock: Clock;
  readonly log: Logger;
  /**
   * Tracks an event that is being published. The caller does not wait for it, unless so many are under way that writers have
   * to slow down.
   */
  announce(publication: Promise<void>): Promise<void>;
  /** Resolves when every event announced so far is published. */
  announced(): Promise<void>;
}

const maxUnderWay = 200;

export function createUpdateContext(base: Omit<UpdateContext, "announce" | "announced">): UpdateContext {
  const underWay = new Set<Promise<void>>();
  return {
    ...base,
    announce(publication) {
      const done = publication
        .catch((error: unknown) =>
          base.log.warn({ err: error }, "an event was not published; what it tells is found in the rows later"),
        )
        .finally(() => underWay.delete(done));
      underWay.add(done);
      return underWay.size > maxUnderWay ? done : Promise.resolve();
    },
    async announced() {
      await Promise.all(underWay);
    },
  };
}
