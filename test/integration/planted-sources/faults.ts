/** A safeguard that is taken out of one source, as a careless change would, and the tests that must notice. */
export interface PlantedFault {
  name: string;
  file: string;
  safeguard: string;
  instead: string;
  tests: readonly string[];
}

const claims = ["cluster/claims.test.ts", "cluster/lease.test.ts"];
const builds = [
  "updates/builds.test.ts",
  "updates/cancel.test.ts",
  "updates/cancel-races.test.ts",
  "updates/fencing.test.ts",
];
const logs = ["updates/logs.test.ts"];
const schedulers = ["updates/schedulers.test.ts"];
const changes = ["updates/changes.test.ts"];

/** Of the core: leases, claims, eviction, requests, builds, logs, cursors. */
export const faults: readonly PlantedFault[] = [
  {
    name: "the fence does not hold the lease against an eviction",
    file: "packages/cluster/src/lease.ts",
    safeguard: "where ${leaseIsHeld}${dialect.keyShareLock}`",
    instead: "where ${leaseIsHeld}`",
    tests: claims,
  },
  {
    name: "a lost lease is not noticed",
    file: "packages/cluster/src/lease.ts",
    safeguard: "if ((await queryRows(tx, sql, bindings)).length === 0) throw new LeaseLost(lease);",
    instead: "await queryRows(tx, sql, bindings);",
    tests: [...claims, "updates/fencing.test.ts"],
  },
  {
    name: "an earlier epoch counts as the lease",
    file: "packages/cluster/src/lease.ts",
    safeguard: '"masterid = ? and epoch = ? and buried_at is null',
    instead: '"masterid = ? and epoch >= ? and buried_at is null',
    tests: claims,
  },
  {
    name: "a master is evicted without its lease being expired",
    file: "packages/cluster/src/burial.ts",
    safeguard: "and ended_at is null and expires_at <= ${now}`;",
    instead: "and ended_at is null`;",
    tests: claims,
  },
  {
    name: "a master that has just come back evicts others",
    file: "packages/cluster/src/burial.ts",
    safeguard: "and ${now} - steady_since >= lease_s)`;",
    instead: ")`;",
    tests: claims,
  },
  {
    name: "an eviction looks at a lease without locking it",
    file: "packages/cluster/src/burial.ts",
    safeguard: 'const lock = updateLock === "" ? "" : `${updateLock}${skipLocked}`;',
    instead: 'const lock = updateLock === skipLocked ? "x" : "";',
    tests: claims,
  },
  {
    name: "an eviction runs a cancelled request again",
    file: "packages/cluster/src/bury-master.ts",
    safeguard: "return request.cancelled === 1 || stopped ? Results.CANCELLED : undefined;",
    instead: "return stopped ? Results.CANCELLED : undefined;",
    tests: claims,
  },
  {
    name: "an eviction runs again what had ended",
    file: "packages/cluster/src/bury-master.ts",
    safeguard: "if (request.results !== null && request.results !== Results.RETRY)",
    instead: "if (request.results === 99)",
    tests: claims,
  },
  {
    name: "an eviction leaves steps running",
    file: "packages/cluster/src/bury-master.ts",
    safeguard: "update steps ${finish} where complete_at is null and",
    instead: "update steps ${finish} where complete_at is not null and",
    tests: claims,
  },
  {
    name: "a cancelled request is claimed",
    file: "packages/cluster/src/request-claims.ts",
    safeguard: "and not exists (select 1 from mm_cancellations c where c.buildrequestid = br.id)",
    instead: "",
    tests: [...claims, "updates/cancel.test.ts"],
  },
  {
    name: "a complete request is claimed",
    file: "packages/cluster/src/request-claims.ts",
    safeguard: "where ${wanted.sql} and br.complete = 0",
    instead: "where ${wanted.sql}",
    tests: claims,
  },
  {
    name: "a claim of another master is released",
    file: "packages/cluster/src/request-claims.ts",
    safeguard: "where ${wanted.sql} and masterid = ?\n",
    instead: "where ${wanted.sql} and masterid >= ? - 1000\n",
    tests: claims,
  },
  {
    name: "a scheduler that another master has counts as claimed",
    file: "packages/cluster/src/singleton-claims.ts",
    safeguard: '=== lease.masterid ? "claimed" : "lost";',
    instead: '=== undefined ? "lost" : "claimed";',
    tests: claims,
  },
  {
    name: "a scheduler is released by an earlier epoch",
    file: "packages/cluster/src/singleton-claims.ts",
    safeguard: "and exists (select 1 from mm_leases where ${leaseIsHeld}) returning",
    instead: "and (1 = 1 or exists (select 1 from mm_leases where ${leaseIsHeld})) returning",
    tests: claims,
  },
  {
    name: "a worker's attachment is read without its row's lock",
    file: "packages/cluster/src/worker-claims.ts",
    safeguard: "order by a.workerid${updateLock}`",
    instead: "order by a.workerid${updateLock.slice(99)}`",
    tests: claims,
  },
  {
    name: "a worker is taken from a live master",
    file: "packages/cluster/src/worker-claims.ts",
    safeguard: "const isLost = !mine && attachment.held === 1;",
    instead: "const isLost = !mine && attachment.held === 2;",
    tests: claims,
  },
  {
    name: "a request of another master is released",
    file: "packages/data/src/updates/buildrequests.ts",
    safeguard: "if (request && !request.complete && request.claimedBy === masterid) requests.push(request);",
    instead: "if (request && !request.complete) requests.push(request);",
    tests: builds,
  },
  {
    name: "a build is begun for another master's request",
    file: "packages/data/src/updates/builds.ts",
    safeguard: "if (!request || request.complete || request.claimedBy !== masterid) return { ended, left: [] };",
    instead: "if (!request || request.complete) return { ended, left: [] };",
    tests: builds,
  },
  {
    name: "a build is begun for a cancelled request",
    file: "packages/data/src/updates/builds.ts",
    safeguard: "if (request.cancelled) {",
    instead: "if (request.cancelled && request.id < 0) {",
    tests: builds,
  },
  {
    name: "a request has two running builds",
    file: "packages/data/src/updates/builds.ts",
    safeguard: "const left = await endLeftBuilds(tx, row);",
    instead: "const left: number[] = [];",
    tests: builds,
  },
  {
    name: "a build of another master is ended",
    file: "packages/database/src/stores/builds.ts",
    safeguard: "where id = ? and masterid = ? and complete_at is null`,\n    [end.results",
    instead: "where id = ? and masterid > ? - 1000 and complete_at is null`,\n    [end.results",
    tests: builds,
  },
  {
    name: "a build that is broken off leaves its steps running",
    file: "packages/database/src/stores/builds.ts",
    safeguard: "if (brokenOff.has(end.results)) await endOpenSteps",
    instead: "if (end.results > 99) await endOpenSteps",
    tests: builds,
  },
  {
    name: "a request is completed twice",
    file: "packages/database/src/stores/buildrequests.ts",
    safeguard: "where id = ? and coalesce(complete, 0) <> 1`",
    instead: "where id = ?`",
    tests: builds,
  },
  {
    name: "a request is read without its row's lock",
    file: "packages/database/src/stores/buildrequests.ts",
    safeguard: "from buildrequests where id = ?${tx.dialect.noKeyUpdateLock}`",
    instead: "from buildrequests where id = ?${tx.dialect.noKeyUpdateLock.slice(99)}`",
    tests: builds,
  },
  {
    name: "lines are appended to a log at any place",
    file: "packages/database/src/stores/logs.ts",
    safeguard: "where id = ? and num_lines = ? and complete = 0",
    instead: "where id = ? and num_lines >= ? - 1000000 and complete = 0",
    tests: logs,
  },
  {
    name: "lines are appended to a log that is complete",
    file: "packages/database/src/stores/logs.ts",
    safeguard: "where id = ? and num_lines = ? and complete = 0",
    instead: "where id = ? and num_lines = ?",
    tests: logs,
  },
  {
    name: "a change is classified twice",
    file: "packages/database/src/stores/schedulers.ts",
    safeguard: "on conflict (schedulerid, changeid) do nothing returning changeid`,",
    instead: "on conflict (schedulerid, changeid) do update set seen_at = excluded.seen_at returning changeid`,",
    tests: [...schedulers, ...changes],
  },
  {
    name: "the cursor passes a change that was not seen",
    file: "packages/database/src/stores/schedulers.ts",
    safeguard: "const floor = Math.min(settled.changeid, unseen === undefined ? settled.changeid : unseen - 1);",
    instead: "const floor = unseen === -1 ? 0 : settled.changeid;",
    tests: [...schedulers, ...changes],
  },
];
