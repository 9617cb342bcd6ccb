import { setTimeout as sleep } from "node:timers/promises";
import { openSingleConnection } from "@multimaster/database/single-connection";
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
 * Runs in the heartbeat thread: writes a row when the event loop stands still, so that others see it and what did it
 * while it lasts, and puts the end to it. The connection is its own, so that no renewal ever waits for this.
 */
export async function recordStalls(master: Master, sign: LoopSign, stopped: AbortSignal): Promise<void> {
  let open = false;
  let checkedAt = performance.now();
  while (!stopped.aborted) {
    await sleep(checkMs, undefined, { signal: stopped, ref: false }).catch(() => {});
    // A process that was stopped as a whole comes back with both standing still: no code did that.
    const wasFrozen = performance.now() - checkedAt > 4 * checkMs;
    checkedAt = performance.now();
    if (wasFrozen || stopped.aborted) continue;
    const stillMs = sign.stillMs();
    const isStill = stillMs > thresholdMs;
    if (isStill === open) continue;
    try {
      await (isStill ? begin(master, stillMs, sign.places()) : end(master));
      open = isStill;
    } catch {
      // The database is away: the next check tries again. The loop's own log reports it in any case.
    }
    checkedAt = performance.now();
  }
}

async function begin(master: Master, stillMs: number, steps: string): Promise<void> {
  const { masterid, epoch } = master;
  await write(master, (now) => [
    [
      `insert into mm_loop_stalls (masterid, epoch, steps, began_at)
       select masterid, epoch, cast(? as text), ${now} - cast(? as double precision) from mm_leases where ${leaseIsHeld}`,
      [steps, stillMs / 1000, masterid, epoch],
    ],
    [`delete from mm_loop_stalls where masterid = ? and began_at < ${now} - ${keptSeconds}`, [masterid]],
  ]);
}

async function end(master: Master): Promise<void> {
  const sql = "update mm_loop_stalls set ended_at = ? where masterid = ? and epoch = ? and ended_at is null";
  await write(master, (now) => [[sql.replace("?", now), [master.masterid, master.epoch]]]);
}

async function write(
  { url }: Master,
  statements: (now: string) => [sql: string, bindings: (string | number)[]][],
): Promise<void> {
  const connection = await openSingleConnection(url, { timeoutMs: 2000 });
  try {
    for (const [sql, bindings] of statements(connection.dialect.now)) await connection.execute(sql, bindings);
  } finally {
    await connection.close();
  }
}
