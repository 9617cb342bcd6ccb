import type { Connection } from "../connection.ts";
import { execute, queryRows } from "../dialect.ts";
import { longest, truncateText } from "./column-text.ts";
import { insertRows } from "./insert-rows.ts";

/** A service of a master that has failed since a time, in seconds since 1970. */
export interface ServiceFailure {
  service: string;
  since: number;
  cause: string;
}

/** Replaces what is written of this master's services. */
export async function replaceServiceFailures(
  tx: Connection,
  { masterid, epoch }: { masterid: number; epoch: number },
  failures: readonly ServiceFailure[],
): Promise<void> {
  await execute(tx, "delete from mm_service_failures where masterid = ?", [masterid]);
  const rows = failures.map(({ service, since, cause }) => ({
    masterid,
    service: truncateText(service, 120),
    epoch,
    since,
    cause: truncateText(cause, longest.sentence),
  }));
  await insertRows(tx, "mm_service_failures", rows);
}

/** What fails on masters in their present incarnation, by master. */
export async function readServiceFailures(connection: Connection): Promise<(ServiceFailure & { masterid: number })[]> {
  return queryRows(
    connection,
    `select f.masterid, f.service, f.since, f.cause
       from mm_service_failures f join mm_leases l on l.masterid = f.masterid and l.epoch = f.epoch
      order by f.masterid, f.since, f.service`,
  );
}
