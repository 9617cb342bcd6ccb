import { double, integer, serial, table, unique, varchar } from "../declare-table.ts";
import type { Migration } from "../migration.ts";

/** Locks of builds and steps, who has them and who waits (docs/decisions/locks-are-claims.md). */
export const locks: Migration = {
  name: "locks of builds and steps",
  kind: "expand",
  tables: [
    table(
      "mm_locks",
      {
        lockid: serial,
        name: varchar(200),
        // Of a lock of each worker, the worker; 0: of the cluster. No reference, since 0 is no worker.
        workerid: integer,
        // As it was last asked for.
        max: integer,
        // When it was last asked for, to the hour: one that no one asks for any more is deleted.
        asked_at: double,
      },
      unique("mm_locks_name", "name", "workerid"),
    ),
    table(
      "mm_lock_holds",
      {
        holdid: serial,
        lockid: integer.references("mm_locks.lockid"),
        masterid: integer.references("masters.id"),
        epoch: integer,
        // No references: a row counts only while these are open, and is deleted later.
        buildrequestid: integer,
        // 0: the build has it, from its beginning to its end. Negative: its build was lost.
        stepid: integer,
        exclusive: integer,
        count: integer,
        // Which of the lock's named resources.
        resource: varchar(200).nullable(),
        taken_at: double,
        // Its build was lost, and the command of that may still run: it is no hold of a later build of the request.
        lost_buildid: integer.nullable(),
        // How long it stays taken then.
        keep_ms: integer,
      },
      unique("mm_lock_holds_owner", "lockid", "buildrequestid", "stepid"),
      { name: "mm_lock_holds_exclusive", columns: ["lockid"], unique: true, where: "exclusive = 1" },
      { name: "mm_lock_holds_resource", columns: ["lockid", "resource"], unique: true, where: "resource is not null" },
      { name: "mm_lock_holds_request", columns: ["buildrequestid"], unique: false },
      { name: "mm_lock_holds_master", columns: ["masterid"], unique: false },
    ),
    table(
      "mm_lock_waits",
      {
        waitid: serial,
        lockid: integer.references("mm_locks.lockid"),
        masterid: integer.references("masters.id"),
        epoch: integer,
        buildrequestid: integer,
        stepid: integer,
        exclusive: integer,
        count: integer,
        // Of a request: when it was submitted. Of a step: when it began to wait.
        since: double,
      },
      // Several engines may wait to start one request.
      unique("mm_lock_waits_owner", "lockid", "buildrequestid", "stepid", "masterid"),
      { name: "mm_lock_waits_request", columns: ["buildrequestid"], unique: false },
      { name: "mm_lock_waits_master", columns: ["masterid"], unique: false },
    ),
  ],
};
