import type { Connection } from "../connection.ts";
import { queryRows } from "../dialect.ts";
import { isHoldValid } from "./lock-conditions.ts";

/** A use of a lock of the cluster that some build or step has. */
export interface LockLoad {
  readonly name: string;
  readonly buildrequestid: number;
  readonly stepid: number;
  readonly exclusive: number;
  readonly count: number;
}

/** Who has these locks of the cluster, without locking anything: it may have changed a moment later. */
export function readLockLoads(connection: Connection, names: readonly string[]): Promise<LockLoad[]> {
  const wanted = connection.dialect.isOneOf("lk.name", names);
  return queryRows<LockLoad>(
    connection,
    `select lk.name, h.buildrequestid, h.stepid, h.exclusive, h.count
       from mm_locks lk join mm_lock_holds h on h.lockid = lk.lockid
      where lk.workerid = 0 and ${wanted.sql} and ${isHoldValid("h")}`,
    wanted.bindings,
  );
}

/** Names of the locks of the cluster that something holds. */
export async function readHeldLockNames(connection: Connection): Promise<string[]> {
  const rows = await queryRows<{ name: string }>(
    connection,
    `select distinct lk.name from mm_locks lk join mm_lock_holds h on h.lockid = lk.lockid
      where lk.workerid = 0 and ${isHoldValid("h")} order by lk.name`,
  );
  return rows.map(({ name }) => name);
}
