import { setTimeout as sleep } from "node:timers/promises";
import { parentPort, workerData } from "node:worker_threads";
import { isLeaseLive } from "@multimaster/database/conditions";
import { openSingleConnection, type SingleConnection } from "@multimaster/database/single-connection";
import { nameIncarnation } from "./incarnation.ts";
import { leaseIsHeld } from "./lease-is-held.ts";
import { LoopSign } from "./loop-sign.ts";
import { recordStalls } from "./loop-stalls.ts";
import { monotonicMs } from "./monotonic.ts";

/** All that the thread knows. */
export interface HeartbeatData {
  url: string;
  masterid: number;
  epoch: number;
  leaseMs: number;
  /** Memory of each `LoopSign` to check. */
  signs: readonly SharedArrayBuffer[];
}

/** A renewal that the database has confirmed. */
export interface Renewal {
  /** When it was sent, by `monotonicMs`: the lease ends no earlier than its length after this. */
  at: number;
  /** The incarnations of all other masters just before. */
  others: string[];
}

/** What the thread reports to the master. */
export type HeartbeatMessage = ({ kind: "renewed" } & Renewal) | { kind: "lost" } | { kind: "failing"; why: string };

/** Real Buildbot masters read `masters.last_active` and give up a master after 600 s. */
const lastActiveEveryMs = 30_000;

async function renewUntilStopped(
  data: HeartbeatData,
  stopped: AbortSignal,
  report: (message: HeartbeatMessage) => void,
): Promise<void> {
  let connection: SingleConnection | undefined;
  let lastActiveAt = Number.NEGATIVE_INFINITY;
  const timeoutMs = Math.max(500, data.leaseMs / 2);
  while (!stopped.aborted) {
    const begun = performance.now();
    try {
      connection ??= await openSingleConnection(data.url, { timeoutMs });
      const others = await listOthers(connection, data);
      const at = monotonicMs();
      if (!(await renew(connection, data))) return report({ kind: "lost" });
      if (begun - lastActiveAt >= lastActiveEveryMs) {
        await touchMaster(connection, data);
        lastActiveAt = begun;
      }
      report({ kind: "renewed", at, others });
    } catch (error) {
      report({ kind: "failing", why: error instanceof Error ? error.message : String(error) });
      await connection?.close().catch(() => {});
      connection = undefined;
    }
    const rest = Math.max(data.leaseMs / 20, data.leaseMs / 5 - (performance.now() - begun));
    await sleep(rest, undefined, { signal: stopped }).catch(() => {});
  }
  await connection?.close();
}

/** A renewal that comes late starts the steadiness again: see `findDead` in eviction.ts. */
async function renew(connection: SingleConnection, data: HeartbeatData): Promise<boolean> {
  const { now } = connection.dialect;
  const changed = await connection.execute(
    `update mm_leases set renewed_at = ${now}, expires_at = ${now} + lease_s,
       steady_since = case when ${now} - renewed_at > lease_s / 2 then ${now} else steady_since end
     where ${leaseIsHeld}`,
    [data.masterid, data.epoch],
  );
  return changed > 0;
}

async function listOthers(connection: SingleConnection, { masterid }: HeartbeatData): Promise<string[]> {
  const rows = await connection.rows(
    `select masterid, epoch from mm_leases l
     where masterid <> ? and ${isLeaseLive("l", connection.dialect.now)}`,
    [masterid],
  );
  return rows.map((row) => nameIncarnation(row as { masterid: number; epoch: number }));
}

async function touchMaster(connection: SingleConnection, data: HeartbeatData): Promise<void> {
  await connection.execute(
    `update masters set active = 1, last_active = ${connection.dialect.nowSeconds} where id = ?
     and exists (select 1 from mm_leases where ${leaseIsHeld})`,
    [data.masterid, data.masterid, data.epoch],
  );
}

if (parentPort) {
  const port = parentPort;
  const stop = new AbortController();
  port.once("message", () => stop.abort());
  const data = workerData as HeartbeatData;
  for (const memory of data.signs) void recordStalls(data, new LoopSign(memory), stop.signal);
  await renewUntilStopped(data, stop.signal, (message) => port.postMessage(message));
  // Also when the lease was lost: then there is nothing to write any more.
  stop.abort();
  port.close();
}
