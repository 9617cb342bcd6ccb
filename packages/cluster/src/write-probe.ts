import { type Clock, type Logger, type Service, waitAtMost } from "@multimaster/core";
import { type Database, type DatabaseTrouble, probeWrites } from "@multimaster/database";
import type { Lease } from "./lease.ts";

/** Why the database takes no writes, and since when this master knows. */
export interface WriteRefusal extends DatabaseTrouble {
  /** Epoch milliseconds of this master's clock. */
  readonly since: number;
}

export interface WriteProbe extends Service {
  /** Undefined while the database takes writes, or until that is known. */
  readonly refusal: WriteRefusal | undefined;
  /** From when to when, in epoch milliseconds, every probe has succeeded; undefined after one that has not. */
  readonly accepted: { readonly from: number; readonly to: number } | undefined;
}

export interface WriteProbeOptions {
  readonly database: Database;
  readonly lease: Lease;
  readonly clock: Clock;
  readonly log: Logger;
  /** Time between two probes (default 10 s); it is shorter while the database refuses. */
  readonly everyMs?: number;
}

/** Longer than a transaction is tried again before it fails. */
const answerMs = 8000;

/**
 * Writes something of no consequence now and then: a lease only updates a row in its place, which also succeeds where
 * nothing new can be stored. One small transaction of one master at a time costs the database nothing.
 */
export function createWriteProbe({ database, lease, clock, log, everyMs = 10_000 }: WriteProbeOptions): WriteProbe {
  const stopped = new AbortController();
  let refusal: WriteRefusal | undefined;
  let accepted: WriteProbe["accepted"];
  let running: Promise<void> | undefined;

  async function probe(): Promise<DatabaseTrouble | "none" | undefined> {
    const writing = probeWrites(database, lease.masterid).then(
      () => "none" as const,
      (error: unknown) => {
        const trouble = database.dialect.findTrouble(error);
        if (!trouble) log.warn({ err: error }, "whether the database takes writes could not be found out");
        return trouble;
      },
    );
    // Without an answer nothing is known: the heartbeat reports that.
    return waitAtMost(clock, answerMs, writing, stopped.signal);
  }

  function note(trouble: DatabaseTrouble | undefined): void {
    if (trouble && trouble.reason !== refusal?.reason)
      log.error({ reason: trouble.reason }, `the database takes no writes: ${trouble.reason}`);
    if (!trouble && refusal)
      log.info({ since: new Date(refusal.since).toISOString() }, "the database takes writes again");
    refusal = trouble && { ...trouble, since: refusal?.since ?? clock.now() };
  }

  async function run(): Promise<void> {
    while (!stopped.signal.aborted) {
      const trouble = await probe();
      if (stopped.signal.aborted) return;
      accepted = trouble === "none" ? { from: accepted?.from ?? clock.now(), to: clock.now() } : undefined;
      if (trouble) note(trouble === "none" ? undefined : trouble);
      await clock.sleep(refusal ? everyMs / 5 : everyMs, stopped.signal);
    }
  }

  return {
    name: "write-probe",
    get refusal() {
      return refusal;
    },
    get accepted() {
      return accepted;
    },
    async start() {
      running ??= run();
    },
    async stop() {
      stopped.abort();
      await running;
    },
    ready: () => (refusal ? `the database takes no writes: ${refusal.reason}` : true),
  };
}
