import { type Clock, type Logger, type Service, WakeupLoop } from "@multimaster/core";
import {
  type Connection,
  commonDataVersion,
  type Database,
  dataVersions,
  raiseDataVersion,
  readDataVersion,
} from "@multimaster/database";

/**
 * Whether rows may be written in the form of this data version, for all masters that live, or may join, understand it.
 * Asked inside the fenced transaction that writes, after the fence: a contract migration waits for such transactions,
 * and for no one's memory of an earlier answer.
 */
export async function writesDataVersion(tx: Connection, version: number): Promise<boolean> {
  return (await readDataVersion(tx)) >= version;
}

/**
 * Lets the cluster write the version that all of its masters understand; returns it if that is a higher one than before.
 * A master that stands still counts until it is evicted: it might wake and read. None can join meanwhile, so one that comes
 * later finds the version that was decided here.
 */
export async function raiseToCommonVersion(
  database: Database,
  newest = dataVersions.newest,
): Promise<number | undefined> {
  if ((await findHigherVersion(database, newest)) === undefined) return undefined;
  return database.transaction(async (tx) => {
    await tx.dialect.lockName(tx, "join");
    const version = await findHigherVersion(tx, newest);
    if (version !== undefined) await raiseDataVersion(tx, version);
    return version;
  });
}

async function findHigherVersion(connection: Connection, newest: number): Promise<number | undefined> {
  const common = await commonDataVersion(connection);
  // Above what this release knows: this master was evicted; its version no longer counts.
  if (common === undefined || common > newest) return undefined;
  return common > (await readDataVersion(connection)) ? common : undefined;
}

export interface DataVersionOptions {
  readonly database: Database;
  readonly leaseMs: number;
  readonly clock: Clock;
  readonly log: Logger;
}

/** What every master does so that the last of an older release need not know that it was the last. */
export function createDataVersionService({ database, leaseMs, clock, log }: DataVersionOptions): Service {
  const loop = new WakeupLoop({
    name: "rise of the data version",
    clock,
    log,
    pollMs: Math.max(50, leaseMs / 5),
    async poll() {
      const version = await raiseToCommonVersion(database);
      if (version !== undefined)
        log.info({ dataVersion: version }, "all masters understand a newer data version: it is written from now on");
    },
  });
  return {
    name: "data version",
    start: async () => loop.start(),
    stop: () => loop.stop(),
    failure: () => loop.failure(),
  };
}
