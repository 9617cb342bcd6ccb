import { schedulerProblemKey } from "@multimaster/data";
import { type Connection, execute, setObjectState } from "@multimaster/database";
import { approvalDamages } from "./approval-damages.ts";
import { artifactDamages } from "./artifact-damages.ts";
import { reportDamages, reporterDamages } from "./report-damages.ts";
import type { World } from "./world.ts";

/** What is done to the rows, and what the check of that name says of it. */
export interface Damage {
  do(tx: Connection, world: World): Promise<unknown>;
  ids(world: World): unknown[];
}

const hourAgo = (tx: Connection) => `(${tx.dialect.nowSeconds} - 3600)`;

/** Lets references point nowhere until the transaction is rolled back. */
async function ignoreReferences(tx: Connection): Promise<void> {
  await execute(
    tx,
    tx.dialect.name === "sqlite" ? "pragma defer_foreign_keys = on" : "set local session_replication_role = replica",
  );
}

const addSlot = (tx: Connection, schedulerid: number, buildsetid: number | null) =>
  execute(
    tx,
    `insert into mm_scheduler_slots (schedulerid, kind, slot, outcome, passed, buildsetid, decided_at)
     values (?, 'time', 1000, 'built', 0, ?, ${tx.dialect.nowSeconds} - 10)`,
    [schedulerid, buildsetid],
  );

async function collapse(tx: Connection, id: number, into: number, also?: string): Promise<void> {
  if (also !== undefined) await execute(tx, `update buildrequests set ${also} where id = ?`, [id]);
  await execute(
    tx,
    `insert into mm_request_ends (buildrequestid, kind, into_requestid, reason, ended_at)
     values (?, 'collapsed', ?, null, ${tx.dialect.now})`,
    [id, into],
  );
}

/** One for each check, by its id: the least that the check is there to find. */
export const damages: Record<string, Damage> = {
  "claim-of-gone-master": {
    do: (tx, { pending, gone }) =>
      execute(tx, "insert into buildrequest_claims (brid, masterid, claimed_at) values (?, ?, 1)", [
        pending.request,
        gone.lease.masterid,
      ]),
    ids: ({ pending }) => [pending.request],
  },
  "claim-without-build": {
    do: (tx, { pending, engine }) =>
      execute(tx, `insert into buildrequest_claims (brid, masterid, claimed_at) values (?, ?, ${hourAgo(tx)})`, [
        pending.request,
        engine.lease.masterid,
      ]),
    ids: ({ pending }) => [pending.request],
  },
  "request-run-twice": {
    do: (tx, { finished }) => execute(tx, "update builds set results = 0 where id = ?", [finished.retried]),
    ids: ({ finished }) => [finished.request],
  },
  "request-not-ended": {
    async do(tx, { finished }) {
      const open = "set complete = 0, results = -1, complete_at = null where id = ?";
      await execute(tx, `update buildrequests ${open}`, [finished.request]);
      await execute(tx, `update buildsets ${open}`, [finished.buildset]);
    },
    ids: ({ finished }) => [finished.request],
  },
  "request-without-result": {
    do: (tx, { finished }) => execute(tx, "update buildrequests set results = -1 where id = ?", [finished.request]),
    ids: ({ finished }) => [finished.request],
  },
  "child-without-parent": {
    async do(tx, { finished, pending }) {
      await execute(tx, "update buildrequests set waited_for = 1 where id = ?", [pending.request]);
      await execute(tx, "update buildsets set parent_buildid = ? where id = ?", [finished.build, pending.buildset]);
    },
    ids: ({ pending }) => [pending.request],
  },
  ...approvalDamages,
  "collapsed-and-built": {
    do: (tx, { finished, pending }) => collapse(tx, finished.request, pending.request, "results = 3"),
    ids: ({ finished }) => [finished.request],
  },
  "collapsed-not-ended": {
    async do(tx, { pending, running }) {
      const same = "builderid = (select o.builderid from buildrequests o where o.id =";
      await collapse(tx, pending.request, running.request, `${same} ${running.request})`);
    },
    ids: ({ pending }) => [pending.request],
  },
  "collapsed-into-none": {
    async do(tx, { pending, running }) {
      const ended = `complete = 1, results = 3, complete_at = ${tx.dialect.nowSeconds}`;
      await collapse(tx, pending.request, running.request, ended);
      await execute(tx, "update buildsets set complete = 1, results = 0, complete_at = 1 where id = ?", [
        pending.buildset,
      ]);
    },
    ids: ({ pending }) => [pending.request],
  },
  "buildset-complete-too-early": {
    do: (tx, { pending }) =>
      execute(tx, "update buildsets set complete = 1, results = 0, complete_at = 5 where id = ?", [pending.buildset]),
    ids: ({ pending }) => [pending.buildset],
  },
  "buildset-not-complete": {
    do: (tx, { finished }) =>
      execute(tx, "update buildsets set complete = 0, results = -1, complete_at = null where id = ?", [
        finished.buildset,
      ]),
    ids: ({ finished }) => [finished.buildset],
  },
  "buildset-without-result": {
    do: (tx, { finished }) => execute(tx, "update buildsets set complete_at = null where id = ?", [finished.buildset]),
    ids: ({ finished }) => [finished.buildset],
  },
  "build-numbers-repeat": {
    async do(tx) {
      await execute(tx, "drop index builds_number");
      await execute(tx, "update builds set number = 2 where number = 3");
    },
    ids: () => [1],
  },
  "build-numbers-gap": {
    do: (tx) => execute(tx, "update builds set number = 10 where number = 2"),
    ids: () => [1],
  },
  "retired-build-there": {
    do: (tx) => execute(tx, "insert into mm_retired_builds values (1, 2, 9)"),
    ids: () => [1],
  },
  "build-without-result": {
    do: (tx, { finished }) => execute(tx, "update builds set results = null where id = ?", [finished.build]),
    ids: ({ finished }) => [finished.build],
  },
  "build-of-gone-master": {
    do: (tx, { running, gone }) =>
      execute(tx, "update builds set masterid = ? where id = ?", [gone.lease.masterid, running.build]),
    ids: ({ running }) => [running.build],
  },
  "build-without-claim": {
    do: (tx, { running }) => execute(tx, "delete from buildrequest_claims where brid = ?", [running.request]),
    ids: ({ running }) => [running.build],
  },
  "build-of-ended-request": {
    async do(tx, { running }) {
      const end = `set complete = 1, results = 0, complete_at = ${tx.dialect.nowSeconds} where id = ?`;
      await execute(tx, `update buildrequests ${end}`, [running.request]);
      await execute(tx, `update buildsets ${end}`, [running.buildset]);
    },
    ids: ({ running }) => [running.build],
  },
  "step-of-ended-build": {
    do: (tx, { finished }) =>
      execute(tx, "update steps set complete_at = null, results = null where id = ?", [finished.step]),
    ids: ({ finished }) => [finished.step],
  },
  "orphan-of-history": {
    do: (tx, { finished: { log } }) =>
      ignoreReferences(tx).then(() => execute(tx, "update logs set stepid = 999999 where id = ?", [log])),
    ids: () => ["logs.stepid 999999"],
  },
  "log-with-gap": {
    do: (tx, { finished }) =>
      execute(tx, "update logchunks set first_line = first_line + 1 where logid = ? and first_line = 0", [
        finished.log,
      ]),
    ids: ({ finished }) => [finished.log],
  },
  "log-lines-miscounted": {
    do: (tx, { finished }) => execute(tx, "update logs set num_lines = 5 where id = ?", [finished.log]),
    ids: ({ finished }) => [finished.log],
  },
  "log-of-ended-step": {
    do: (tx, { finished }) => execute(tx, "update logs set complete = 0 where id = ?", [finished.log]),
    ids: ({ finished }) => [finished.log],
  },
  "change-unseen": {
    do: (tx, { schedulerid, changeid }) =>
      execute(tx, "delete from mm_scheduler_seen where schedulerid = ? and changeid = ?", [schedulerid, changeid]),
    ids: ({ changeid }) => [changeid],
  },
  "delivery-without-change": {
    async do(tx) {
      await ignoreReferences(tx);
      await execute(tx, "insert into mm_change_deliveries (delivery, changeid, received_at) values ('lost', 4711, 1)");
    },
    ids: () => ["lost"],
  },
  "slot-without-buildset": {
    do: (tx, { schedulerid }) => addSlot(tx, schedulerid, null),
    ids: ({ schedulerid }) => [`${schedulerid} time 1000`],
  },
  "buildset-without-slot": {
    async do(tx, { schedulerid, finished, pending }) {
      await execute(tx, "update mm_published_schedulers set kind = 'times' where schedulerid = ?", [schedulerid]);
      await addSlot(tx, schedulerid, finished.buildset);
      await execute(
        tx,
        `insert into buildset_properties (buildsetid, property_name, property_value) values (?, 'scheduler', '["all", "Scheduler"]')`,
        [pending.buildset],
      );
    },
    ids: ({ pending }) => [pending.buildset],
  },
  "scheduler-with-problem": {
    do: (tx) => setObjectState(tx, schedulerProblemKey("all"), { problem: "no idea", at: 1 }),
    ids: () => ["all"],
  },
  "lock-held-too-often": {
    async do(tx, { engine, running }) {
      await addLock(tx);
      await hold(tx, engine.lease, running.request, 2);
    },
    ids: () => [7],
  },
  "lock-kept-too-long": {
    async do(tx, { gone, finished, workers }) {
      await addLock(tx);
      await hold(tx, gone.lease, finished.request);
      const { masterid, epoch } = gone.lease;
      await execute(
        tx,
        `insert into mm_commands (command_id, workerid, masterid, epoch, buildid, stepid, name, sent_at)
         values ('lost', ?, ?, ?, ?, 0, 'shell', 1)`,
        [workers.away, masterid, epoch, finished.retried],
      );
    },
    ids: () => [7],
  },
  "lock-hold-left": {
    async do(tx, { engine, finished }) {
      await addLock(tx);
      await hold(tx, engine.lease, finished.request);
    },
    ids: () => [9],
  },
  ...reportDamages,
  "worker-attached-twice": {
    do: (tx, { workers, idle }) => connectWorker(tx, workers.attached, idle.lease.masterid),
    ids: ({ workers }) => [workers.attached],
  },
  "worker-attachment-differs": {
    async do(tx, { workers, idle }) {
      await execute(tx, "delete from connected_workers");
      await connectWorker(tx, workers.away, idle.lease.masterid);
    },
    ids: ({ workers }) => [workers.attached, workers.away],
  },
  "worker-of-gone-master": {
    do: (tx, { workers, gone }) => connectWorker(tx, workers.away, gone.lease.masterid),
    ids: ({ workers }) => [workers.away],
  },
  "command-left-behind": {
    do: (tx) => execute(tx, "update mm_commands set sent_at = sent_at - 3600"),
    ids: ({ running }) => [`command ${running.build}`],
  },
  "command-of-unknown-life": {
    do: (tx) => execute(tx, "update mm_commands set epoch = 99"),
    ids: ({ running }) => [`command ${running.build}`],
  },
  "lease-not-buried": {
    do: (tx, { idle }) =>
      execute(tx, `update mm_leases set renewed_at = ${hourAgo(tx)}, expires_at = ${hourAgo(tx)} where masterid = ?`, [
        idle.lease.masterid,
      ]),
    ids: ({ idle }) => [idle.lease.masterid],
  },
  "active-flag-of-gone-master": {
    do: (tx, { gone }) => execute(tx, "update masters set active = 1 where id = ?", [gone.lease.masterid]),
    ids: ({ gone }) => [gone.lease.masterid],
  },
  "scheduler-of-gone-master": {
    do: (tx, { schedulerid, gone }) =>
      execute(tx, "update scheduler_masters set masterid = ? where schedulerid = ?", [
        gone.lease.masterid,
        schedulerid,
      ]),
    ids: ({ schedulerid }) => [schedulerid],
  },
  "changesource-of-gone-master": {
    do: (tx, { gone }) => execute(tx, "update changesource_masters set masterid = ?", [gone.lease.masterid]),
    ids: ({ changesourceid }) => [changesourceid],
  },
  ...reporterDamages,
  "job-of-gone-master": {
    async do(tx, { gone: { lease } }) {
      await execute(tx, "insert into mm_jobs (id, name) values (7, 'retention')");
      await execute(tx, "insert into mm_job_claims (jobid, masterid) values (7, ?)", [lease.masterid]);
    },
    ids: () => [7],
  },
  "instance-of-gone-master": {
    async do(tx, { gone }) {
      await execute(
        tx,
        `insert into mm_worker_instances (instanceid, workerid, latent, kind, state, master_url, secret_hash, made_at, after_buildid)
         select 7, min(id), 'pool', 'docker', 'running', '', '', 1, 0 from workers`,
      );
      await execute(tx, "insert into mm_instance_claims (instanceid, masterid) values (7, ?)", [gone.lease.masterid]);
    },
    ids: () => [7],
  },
  "lock-of-gone-master": {
    async do(tx, { pending, gone }) {
      await addLock(tx);
      await hold(tx, gone.lease, pending.request);
    },
    ids: () => [7],
  },
  "lock-wait-of-gone-master": {
    async do(tx, { pending, gone }) {
      await addLock(tx);
      await execute(
        tx,
        `insert into mm_lock_waits (lockid, masterid, epoch, buildrequestid, stepid, exclusive, count, since)
         values (7, ?, 1, ?, 0, 1, 1, 1)`,
        [gone.lease.masterid, pending.request],
      );
    },
    ids: () => [7],
  },
  "masters-of-different-configs": {
    async do(tx, { idle, engine }) {
      for (const [i, { lease }] of [idle, engine].entries())
        await execute(tx, "insert into mm_master_configs (masterid, hash, started_at) values (?, ?, 1)", [
          lease.masterid,
          `hash ${i}`,
        ]);
    },
    ids: ({ idle, engine }) => [engine.lease.masterid, idle.lease.masterid],
  },
  "builder-of-gone-master": {
    do: (tx, { gone }) => execute(tx, "update builder_masters set masterid = ?", [gone.lease.masterid]),
    ids: () => [1, 2],
  },
  ...artifactDamages,
  "cancellation-unanswered": {
    do: (tx, { pending }) => cancel(tx, pending.request),
    ids: ({ pending }) => [pending.request],
  },
  "cancellation-left": {
    do: (tx, { finished }) => cancel(tx, finished.request),
    ids: ({ finished }) => [finished.request],
  },
  "stop-request-left": {
    do: (tx, { finished }) => stopBuild(tx, finished.build),
    ids: ({ finished }) => [finished.build],
  },
  "outbox-overgrown": {
    do: (tx) =>
      execute(
        tx,
        `insert into mm_outbox (id, at, kind, objectid, facts) values (0, ${tx.dialect.now} - 100000, 'build-ended', 1, '{}')`,
      ),
    ids: () => [0],
  },
  "orphan-row": {
    async do(tx) {
      await ignoreReferences(tx);
      await stopBuild(tx, 4711);
    },
    ids: () => ["mm_stop_requests.buildid 4711"],
  },
};

const addLock = (tx: Connection) =>
  execute(tx, "insert into mm_locks (lockid, name, workerid, max, asked_at) values (7, 'db', 0, 1, 1)");

const hold = (
  tx: Connection,
  { masterid, epoch }: { readonly masterid: number; readonly epoch: number },
  request: number,
  count = 1,
) =>
  execute(
    tx,
    `insert into mm_lock_holds (holdid, lockid, masterid, epoch, buildrequestid, stepid, exclusive, count, keep_ms, taken_at)
     values (9, 7, ?, ?, ?, 0, 0, ?, 1000, 1)`,
    [masterid, epoch, request, count],
  );

const connectWorker = (tx: Connection, workerid: number, masterid: number) =>
  execute(tx, "insert into connected_workers (workerid, masterid) values (?, ?)", [workerid, masterid]);

const cancel = (tx: Connection, request: number) =>
  execute(tx, `insert into mm_cancellations (buildrequestid, reason, requested_at) values (?, 'no', ${hourAgo(tx)})`, [
    request,
  ]);

const stopBuild = (tx: Connection, build: number) =>
  execute(
    tx,
    `insert into mm_stop_requests (buildid, reason, results, requested_at) values (?, 'no', 6, ${hourAgo(tx)})`,
    [build],
  );
