import type { Lease } from "@multimaster/cluster";
import type { Clock, Logger } from "@multimaster/core";
import type { Database } from "@multimaster/database";
import type { Outcomes } from "@multimaster/lifecycle";
import type { Events } from "../events/events.ts";
import { type GatheredWrite, gatherWrites } from "./gathered-writes.ts";
import type { LogCompressor } from "./log-compressor.ts";
import { publishOutcomes } from "./publish-outcomes.ts";
import { StepNotes } from "./step-notes.ts";

/** What every update works with. */
export interface UpdateContext {
  readonly database: Database;
  readonly lease: Lease;
  readonly events: Events;
  readonly clock: Clock;
  readonly log: Logger;
  /**
   * Writes of running builds, fenced: those that come close together share a transaction. Each resolves after the commit.
   */
  readonly write: GatheredWrite;
  /** Notes for reporters which steps begin and end. */
  readonly steps: StepNotes;
  /**
   * Tracks an event that is being published. The caller does not wait for it, unless so many are under way that writers have
   * to slow down.
   */
  track(publication: Promise<void>): Promise<void>;
  /** Publishes what a committed transaction changed, and has the logs compressed that it finished. */
  publishOutcomes(outcomes: Outcomes): Promise<void>;
  /** Resolves when every event tracked so far is published. */
  allPublished(): Promise<void>;
}

const maxUnderWay = 200;

type Base = Omit<UpdateContext, "write" | "steps" | "track" | "publishOutcomes" | "allPublished">;

export function createUpdateContext(base: Base, compressor: LogCompressor): UpdateContext {
  const underWay = new Set<Promise<void>>();
  const context: UpdateContext = {
    ...base,
    write: gatherWrites(base.database, base.lease),
    steps: new StepNotes(base.database, base.clock),
    track(publication) {
      const done = publication
        .catch((error: unknown) =>
          base.log.warn({ err: error }, "an event was not published; what it reports is found in the rows later"),
        )
        .finally(() => underWay.delete(done));
      underWay.add(done);
      return underWay.size > maxUnderWay ? done : Promise.resolve();
    },
    publishOutcomes(outcomes) {
      for (const logid of outcomes.finishedLogs) compressor.compress(logid);
      for (const { workerid, sentence } of outcomes.judgedWorkers)
        base.log.warn({ workerid }, `worker ${workerid} ${sentence}`);
      return context.track(publishOutcomes(base.events, outcomes));
    },
    async allPublished() {
      await Promise.all(underWay);
    },
  };
  return context;
}
