import type { ClaimTable } from "@multimaster/cluster";
import { endsWithItsMaster } from "@multimaster/database";
import type { OutboxKind } from "./outbox.ts";

/** A kind of thing that masters claim. */
interface ClaimableKind extends ClaimTable {
  /** What the outbox calls its release; null: no report is about it. */
  readonly releasedAs: OutboxKind | null;
}

/**
 * Everything that masters claim. The eviction of a master releases what this lists, the audit checks it, and the compiler
 * asks for the event of its release: a new kind is an entry here.
 */
export const claimTables = {
  request: {
    table: "buildrequest_claims",
    id: "brid",
    // The row of a request that is complete stays, as Buildbot leaves it.
    only: "brid in (select id from buildrequests where complete = 0)",
    releasedAs: "request-released",
  },
  worker: {
    table: "mm_worker_attachments",
    id: "workerid",
    epoch: true,
    mirror: "connected_workers",
    releasedAs: "worker-detached",
  },
  scheduler: { table: "scheduler_masters", id: "schedulerid", releasedAs: null },
  changeSource: { table: "changesource_masters", id: "changesourceid", releasedAs: null },
  reporter: { table: "mm_reporter_masters", id: "reporterid", releasedAs: null },
  job: { table: "mm_job_claims", id: "jobid", releasedAs: null },
  // The instance itself stays: another engine takes it, or ends it.
  instance: { table: "mm_instance_claims", id: "instanceid", releasedAs: null },
  // What is released is the lock: whoever waits for it is to try again. While a command may still run, its locks stay.
  lock: { table: "mm_lock_holds", id: "lockid", only: endsWithItsMaster, releasedAs: null },
  lockWait: { table: "mm_lock_waits", id: "lockid", releasedAs: null },
} as const satisfies Readonly<Record<string, ClaimableKind>>;

export type Claimable = keyof typeof claimTables;

/** The kinds, in the order in which an eviction releases them. */
export const claimables = Object.keys(claimTables) as Claimable[];

/** The same with every optional fact readable. */
export const claimTableOf = (kind: Claimable): ClaimableKind => claimTables[kind];
