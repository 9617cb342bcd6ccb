import type { PlantedFault } from "./faults.ts";

const locks = ["locks/take-locks.test.ts"];
const lostBuilds = ["locks/lost-builds.test.ts"];

/** Of locks: how they are taken, when they count, what lost builds keep. */
export const lockFaults: readonly PlantedFault[] = [
  {
    name: "a lock of an earlier incarnation counts",
    file: "packages/database/src/stores/lock-conditions.ts",
    safeguard: "l.masterid = ${alias}.masterid and l.epoch = ${alias}.epoch and",
    instead: "l.masterid = ${alias}.masterid and",
    tests: locks,
  },
  {
    name: "a lock of an evicted master counts",
    file: "packages/database/src/stores/lock-conditions.ts",
    safeguard: "(${ofOpenLease(alias)} and ${isClaimedByIt(alias)} and (",
    instead: "(${isClaimedByIt(alias)} and (",
    tests: locks,
  },
  {
    name: "the locks of a step are taken without the lease",
    file: "packages/data/src/updates/locks/locks.ts",
    safeguard:
      "fencedTransaction(database, lease, async (tx) => {\n          const taken = await takeLocks(tx, lease, wanted);",
    instead: "database.transaction(async (tx) => {\n          const taken = await takeLocks(tx, lease, wanted);",
    tests: locks,
  },
  {
    name: "the locks of builds are taken without the lease",
    file: "packages/data/src/updates/locks/locks.ts",
    safeguard:
      "fencedTransaction(database, lease, async (tx) => {\n          const taken = await takeLocks(\n            tx,",
    instead: "database.transaction(async (tx) => {\n          const taken = await takeLocks(\n            tx,",
    tests: locks,
  },
  {
    name: "a lock is free while the command of a lost build may still run",
    file: "packages/database/src/stores/locks.ts",
    safeguard: `when \${mayStillRun("h")} then 'lost'`,
    instead: `when \${mayStillRun("h")} then 'over'`,
    tests: lostBuilds,
  },
  {
    name: "an eviction deletes the locks of builds whose command may still run",
    file: "packages/lifecycle/src/claim-tables.ts",
    safeguard: "only: endsWithItsMaster,",
    instead: 'only: endsWithItsMaster.slice(9999) || "1 = 1",',
    tests: lostBuilds,
  },
  {
    name: "a release deletes a lock whose command may still run",
    file: "packages/database/src/stores/locks.ts",
    safeguard: ' and lost_buildid is null and not ${mayStillRun("mm_lock_holds")}`',
    instead: ' and not (lost_buildid = 0 and ${mayStillRun("mm_lock_holds")})`',
    tests: lostBuilds,
  },
  {
    name: "a build is adopted without its locks",
    file: "packages/lifecycle/src/adopt-build.ts",
    safeguard: "await moveHolds(tx, build, lease);",
    instead: "await moveHolds(tx, { ...build, masterid: 0 }, lease);",
    tests: lostBuilds,
  },
  {
    name: "who takes a lock does not lock its row",
    file: "packages/database/src/stores/locks.ts",
    safeguard: "order by lockid${tx.dialect.noKeyUpdateLock}`,",
    instead: "order by lockid`,",
    tests: locks,
  },
  {
    name: "a waiter does not keep a lock from those behind it",
    file: "packages/placement/src/locks.ts",
    safeguard: "for (const lockid of short) barred.add(lockid);",
    instead: "for (const lockid of short) barred.delete(lockid);",
    tests: locks,
  },
];
