import { lockFaults } from "./lock-faults.ts";

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
const outbox = ["updates/outbox.test.ts"];
const logs = ["updates/logs.test.ts"];
const schedulers = ["updates/schedulers.test.ts"];
const slots = ["updates/scheduler-slots.test.ts"];
const changes = ["updates/changes.test.ts"];
const collapsing = ["updates/collapse.test.ts"];
const adoption = ["updates/adoption.test.ts"];
const farm = ["updates/farm-writes.test.ts"];

const events = ["reporters/events.test.ts"];
const reports = ["reporters/delivery.test.ts", "reporters/lost-claim.test.ts"];

/** Of the core: leases, claims, eviction, requests, builds, logs, cursors, rows of builders. */
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
    file: "packages/cluster/src/lease-is-held.ts",
    safeguard: "`masterid = ? and epoch = ? and ${isLeaseOpen",
    instead: "`masterid = ? and epoch >= ? and ${isLeaseOpen",
    tests: claims,
  },
  {
    name: "a master is evicted without its lease being expired",
    file: "packages/cluster/src/eviction.ts",
    safeguard: '${isLeaseOpen("l")} and l.expires_at <= ${now}`;',
    instead: '${isLeaseOpen("l")}`;',
    tests: claims,
  },
  {
    name: "a master that has just come back evicts others",
    file: "packages/cluster/src/eviction.ts",
    safeguard: "and ${now} - steady_since >= lease_s)`;",
    instead: ")`;",
    tests: claims,
  },
  {
    name: "an eviction reads a lease without locking it",
    file: "packages/cluster/src/eviction.ts",
    safeguard: 'const lock = updateLock === "" ? "" : `${updateLock}${skipLocked}`;',
    instead: 'const lock = updateLock === skipLocked ? "x" : "";',
    tests: claims,
  },
  {
    name: "an eviction runs a cancelled request again",
    file: "packages/lifecycle/src/release-everything.ts",
    safeguard: "return request.cancelled === 1 || stopped ? Results.CANCELLED : undefined;",
    instead: "return stopped ? Results.CANCELLED : undefined;",
    tests: claims,
  },
  {
    name: "an eviction runs again what had ended",
    file: "packages/lifecycle/src/release-everything.ts",
    safeguard: "if (request.results !== null && request.results !== Results.RETRY)",
    instead: "if (request.results === 99)",
    tests: claims,
  },
  {
    name: "an eviction leaves steps running",
    file: "packages/lifecycle/src/end-builds.ts",
    safeguard: "where complete_at is null and ${ofBuilds.sql} returning id",
    instead: "where complete_at is not null and ${ofBuilds.sql} returning id",
    tests: claims,
  },
  {
    name: "a cancelled request is claimed",
    file: "packages/database/src/conditions.ts",
    safeguard: "${isRequestFree(alias)} and not ${isRequestCancelled(alias)}",
    instead: "${isRequestFree(alias)}",
    tests: [...claims, "updates/cancel.test.ts"],
  },
  {
    name: "a complete request is claimed",
    file: "packages/database/src/conditions.ts",
    safeguard: "${alias}.complete = 0 and not exists",
    instead: "not exists",
    tests: claims,
  },
  {
    name: "a claim of another master is released",
    file: "packages/cluster/src/claims.ts",
    safeguard: "where ${wanted.sql} and masterid = ?${",
    instead: "where ${wanted.sql} and masterid >= ? - 1000${",
    tests: claims,
  },
  {
    name: "a scheduler that another master has counts as claimed",
    file: "packages/cluster/src/claims.ts",
    safeguard: "return holder === lease.masterid ? claimed : lostTo(holder);",
    instead: "return holder === undefined ? lostTo(holder) : claimed;",
    tests: claims,
  },
  {
    name: "a scheduler is released by an earlier epoch",
    file: "packages/cluster/src/claims.ts",
    safeguard: "and exists (select 1 from mm_leases where ${leaseIsHeld}) returning",
    instead: "and (1 = 1 or exists (select 1 from mm_leases where ${leaseIsHeld})) returning",
    tests: claims,
  },
  {
    name: "a worker's attachment is read without its row's lock",
    file: "packages/lifecycle/src/worker-claims.ts",
    safeguard: "order by a.workerid${updateLock}`",
    instead: "order by a.workerid${updateLock.slice(99)}`",
    tests: claims,
  },
  {
    name: "a worker is taken from a live master",
    file: "packages/lifecycle/src/worker-claims.ts",
    safeguard: "const isLost = !isMine && attachment.held === 1;",
    instead: "const isLost = !isMine && attachment.held === 2;",
    tests: claims,
  },
  {
    name: "a request of another master is released",
    file: "packages/lifecycle/src/release-requests.ts",
    safeguard: "if (request && !request.complete && request.claimedBy === masterid) requests.push(request);",
    instead: "if (request && !request.complete) requests.push(request);",
    tests: builds,
  },
  {
    name: "a build is begun for another master's request",
    file: "packages/lifecycle/src/start-build.ts",
    safeguard: "if (!request || request.complete || request.claimedBy !== masterid) return undefined;",
    instead: "if (!request || request.complete) return undefined;",
    tests: builds,
  },
  {
    name: "a build is begun for a cancelled request",
    file: "packages/lifecycle/src/start-build.ts",
    safeguard: "if (request.cancelled) {",
    instead: "if (request.cancelled && request.id < 0) {",
    tests: builds,
  },
  {
    name: "a request has two running builds",
    file: "packages/lifecycle/src/start-build.ts",
    safeguard: "await endLeftBuilds(t, buildrequestid, masterid);",
    instead: "",
    tests: builds,
  },
  {
    name: "a build of another master is ended",
    file: "packages/lifecycle/src/end-builds.ts",
    safeguard: "where complete_at is null and masterid = ? and ${which.sql}",
    instead: "where complete_at is null and masterid > ? - 1000 and ${which.sql}",
    tests: builds,
  },
  {
    name: "a build that is broken off leaves its steps running",
    file: "packages/lifecycle/src/end-builds.ts",
    safeguard: "if (brokenOff.has(results)) await endSteps",
    instead: "if (results > 99) await endSteps",
    tests: builds,
  },
  {
    name: "a request is completed twice",
    file: "packages/lifecycle/src/end-requests.ts",
    safeguard: "where ${wanted.sql} and coalesce(complete, 0) <> 1 returning",
    instead: "where ${wanted.sql} returning",
    tests: builds,
  },
  {
    name: "a request is read without its row's lock",
    file: "packages/database/src/stores/buildrequests.ts",
    safeguard: "from buildrequests where ${wanted.sql} order by id${tx.dialect.noKeyUpdateLock}`",
    instead: "from buildrequests where ${wanted.sql} order by id${tx.dialect.noKeyUpdateLock.slice(99)}`",
    tests: builds,
  },
  {
    name: "an eviction releases all but what comes first in the registry of claims",
    file: "packages/lifecycle/src/release-everything.ts",
    safeguard: "for (const kind of claimables) {",
    instead: "for (const kind of claimables.slice(1)) {",
    tests: claims,
  },
  {
    name: "transitions leave no row in the outbox",
    file: "packages/lifecycle/src/transition.ts",
    safeguard: "await insertOutboxEntries(tx, entries);",
    instead: "await insertOutboxEntries(tx, entries.slice(99));",
    tests: outbox,
  },
  {
    name: "rows of the outbox are committed before the rest of their transaction",
    file: "packages/lifecycle/src/transition.ts",
    safeguard: "await insertOutboxEntries(tx, entries);",
    instead: 'await insertOutboxEntries(tx, entries); await tx.sql.run("commit"); await tx.sql.run("begin");',
    tests: outbox,
  },
  {
    name: "the outbox keeps every row",
    file: "packages/lifecycle/src/outbox.ts",
    safeguard: "delete from mm_outbox where id in",
    instead: "delete from mm_outbox where 1 = 0 and id in",
    tests: outbox,
  },
  {
    name: "lines are appended to a log at any place",
    file: "packages/database/src/stores/logs.ts",
    safeguard: "where logs.id = v.logid and num_lines = v.old and complete = 0",
    instead: "where logs.id = v.logid and num_lines >= v.old - 1000000 and complete = 0",
    tests: logs,
  },
  {
    name: "lines are appended to a log that is complete",
    file: "packages/database/src/stores/logs.ts",
    safeguard: "where logs.id = v.logid and num_lines = v.old and complete = 0",
    instead: "where logs.id = v.logid and num_lines = v.old",
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
  {
    name: "a slot that is taken is decided again",
    file: "packages/database/src/stores/scheduler-slots.ts",
    safeguard: "rows: [row], conflict })).length > 0;",
    instead: "rows: [row], conflict })).length >= 0;",
    tests: slots,
  },
  {
    name: "the slots of a scheduler that was disabled are made up for",
    file: "packages/database/src/stores/schedulers.ts",
    safeguard: "if (enabled && !(await isSchedulerEnabled(tx, schedulerid))) await restartSlots(tx, schedulerid);",
    instead: "if (enabled && schedulerid < 0) await restartSlots(tx, schedulerid);",
    tests: slots,
  },
  {
    name: "a report is sent without the reporter's claim",
    file: "packages/data/src/updates/reports.ts",
    safeguard: '(await holdReporter(tx, reporterid, lease.masterid)) ? write(tx) : "lost"',
    instead: "write(tx)",
    tests: reports,
  },
  {
    name: "an earlier build's state replaces a later one's at a commit that both share",
    file: "roles/scheduler/reporting/place-order.ts",
    safeguard: "if (latest > reportid) return;",
    instead: "",
    tests: ["reporters/delivery.test.ts"],
  },
  {
    name: "an event is handed out and stays owed",
    file: "packages/database/src/stores/reports.ts",
    safeguard: "update mm_outbox set owed = null where ${done.sql} and owed = 1",
    instead: "update mm_outbox set owed = 1 where ${done.sql} and owed = 1",
    tests: reports,
  },
  {
    name: "masters that go at the same time do not wait for each other's end",
    file: "packages/lifecycle/src/note-releases.ts",
    safeguard: 'await t.tx.dialect.lockName(t.tx, "upgrade-done");',
    instead: "",
    tests: events,
  },
  {
    name: "a master without the claim notes requests that wait",
    file: "packages/data/src/updates/long-waits.ts",
    safeguard: 'if (!(await holdReporter(tx, reporterid, lease.masterid))) return "lost";',
    instead: "await holdReporter(tx, reporterid, lease.masterid);",
    tests: events,
  },
  ...lockFaults,
  {
    name: "an engine writes again what it has written of its builders",
    file: "packages/database/src/stores/offers.ts",
    safeguard: "return isKnown ? [] : { ...row, masterid };",
    instead: "return isKnown && row.builderid < 0 ? [] : { ...row, masterid };",
    tests: farm,
  },
  {
    name: "a master of another release is enough to write a row for each worker of each builder",
    file: "packages/cluster/src/other-readers.ts",
    safeguard: "l.data_version < ?)",
    instead: "l.data_version < ? or l.release <> 'test')",
    tests: farm,
  },
  {
    name: "the request of a build that waits for an engine is free for others",
    file: "packages/lifecycle/src/release-everything.ts",
    safeguard: "const requests = claimed.filter(({ id }) => !left.requests.has(id));",
    instead: "const requests = claimed;",
    tests: adoption,
  },
  {
    name: "a build waits for an engine while masters run that take it for a forgotten one",
    file: "packages/lifecycle/src/adopt-build.ts",
    safeguard: "!(await writesDataVersion(tx, adoptableSince))",
    instead: "(await writesDataVersion(tx, adoptableSince)) === undefined",
    tests: adoption,
  },
  {
    name: "a build waits for an engine although its step has begun another command",
    file: "packages/database/src/stores/adoptable-builds.ts",
    safeguard: "where o.workerid = c.workerid and o.stepid = c.stepid) = 1",
    instead: "where o.workerid = c.workerid and o.stepid = c.stepid) >= 1",
    tests: adoption,
  },
  {
    name: "a request collapses into one that is claimed",
    file: "packages/lifecycle/src/collapse-requests.ts",
    safeguard: "if (into === undefined || !isFree(into)) return [];",
    instead: "if (into === undefined) return [];",
    tests: collapsing,
  },
  {
    name: "requests collapse without their rows being locked",
    file: "packages/lifecycle/src/collapse-requests.ts",
    safeguard: "const locked = await lockRequests(tx, [",
    instead: 'const locked = await lockRequests({ ...tx, dialect: { ...tx.dialect, noKeyUpdateLock: "" } }, [',
    tests: collapsing,
  },
  {
    name: "a request collapses under a lost lease",
    file: "packages/data/src/updates/collapsing.ts",
    safeguard: "fencedTransaction(database, lease, (tx) =>\n        collapseRequests(",
    instead: "database.transaction((tx) =>\n        collapseRequests(",
    tests: collapsing,
  },
  {
    name: "the survivor does not build what collapsed into it",
    file: "packages/data/src/updates/request-details.ts",
    safeguard: "[...new Set([...ssids, ...ofOthers])]",
    instead: "[...new Set(ofOthers.length < 0 ? ofOthers : ssids)]",
    tests: collapsing,
  },
  {
    name: "what had collapsed into a request is lost when that collapses",
    file: "packages/database/src/stores/request-ends.ts",
    safeguard: "update mm_request_ends set into_requestid = ? where ${moved.sql}",
    instead: "update mm_request_ends set into_requestid = ? where 1 = 0 and ${moved.sql}",
    tests: collapsing,
  },
];
