import { setTimeout as sleep } from "node:timers/promises";
import { openSingleConnection, type SingleConnection } from "@multimaster/database/single-connection";
import { leaseIsHeld } from "./lease-is-held.ts";
import type { LoopSign } from "./loop-sign.ts";

/** A loop that stands still for longer than this is written down. */
const thresholdMs = 1000;
const checkMs = 250;
const keptSeconds = 30 * 24 * 3600;

interface Master {
  url: string;
  masterid: number;
  epoch: number;
}

/**
 * Runs in the heartbeat thread, for each thread of the master: writes a row when its event loop stands still, so that others see it and what did it
 * while it lasts, and puts the end to it. The connection is its own, so that no renewal ever waits for this.
 */
export async function recordStalls(master: Master, sign: LoopSign, stopped: AbortSignal): Promise<void> {
  let open: number | undefined;
  let checkedAt = performance.now();
  while (!stopped.aborted) {
    await sleep(checkMs, undefined, { signal: stopped, ref: false }).catch(() => {});
    // A process that was stopped as a whole comes back with both standing still: no code did that.
    const wasFrozen = performance.now() - checkedAt > 4 * checkMs;
    checkedAt = performance.now();
    if (wasFrozen || stopped.aborted) continue;
    const stillMs = sign.stillMs();
    const isStill = stillMs > thresholdMs;
    if (isStill === (open !== undefined)) continue;
    try {
      if (open === undefined) open = await begin(master, stillMs, sign.places());
      else {
        await end(master, open);
        open = undefined;
      }
    } catch {
      // The database is away: the next check tries again. The loop's own log reports it in any case.
    }
    checkedAt = performance.now();
  }
}

/** Returns the id of the row; undefined when the lease is not held any more. */
async function begin(master: Master, stillMs: number, steps: string): Promise<number | undefined> {
  const { masterid, epoch } = master;
  return useConnection(master, async (connection) => {
    const { now } = connection.dialect;
    const [row] = await connection.rows(
      `insert into mm_loop_stalls (masterid, epoch, steps, began_at)
       select masterid, epoch, cast(? as text), ${now} - cast(? as double precision) from mm_leases where ${leaseIsHeld}
       returning id`,
      [steps, stillMs / 1000, masterid, epoch],
    );
    await connection.execute(`delete from mm_loop_stalls where masterid = ? and began_at < ${now} - ${keptSeconds}`, [
      masterid,
    ]);
    return row && Number(row["id"]);
  });
}

async function end(master: Master, id: number): Promise<void> {
  await useConnection(master, (connection) =>
    connection.execute(`update mm_loop_stalls set ended_at = ${connection.dialect.now} where id = ?`, [id]),
  );
}

async function useConnection<T>({ url }: Master, act: (connection: SingleConnection) => Promise<T>): Promise<T> {
  const connection = await openSingleConnection(url, { timeoutMs: 2000 });
  try {
    return await act(connection);
  } finally {
    await connection.close();
  }
}
