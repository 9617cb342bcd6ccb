import { setTimeout as sleep } from "node:timers/promises";
import { errors, UserError } from "@multimaster/core";
import { type Connection, type Database, queryRows } from "@multimaster/database";
import { type DrainedRequests, judgeWork, readWork } from "./drained-requests.ts";
import { isMasterRunning } from "./master-process.ts";
import type { MasterState, MasterStatus } from "./membership.ts";
import { placeOrder } from "./orders.ts";

export { isMasterRunning };

export interface DrainOptions {
  /** Running builds are released, to be run again, when the drain takes longer; absent: it takes as long as they do. */
  deadlineMs?: number;
  /** Ends the waiting, not the drain. */
  signal?: AbortSignal;
  /** Writes into the order's transaction who gave it. */
  trail?: (tx: Connection) => Promise<void>;
}

/** What became of a master that was asked to drain. */
export interface DrainReport {
  /** "ended": in order. "died": without ending its lease; it is evicted. "draining": it still runs. */
  outcome: "ended" | "died" | "draining";
  seconds: number;
  requests: DrainedRequests;
}

type Drained = Pick<MasterStatus, "masterid" | "name" | "host" | "pid">;

/** After the deadline builds are released; a master that has not ended so much later hangs. */
const releaseMs = 30_000;
/** Between the end of the lease and the end of the process lie only its connections. */
const exitMs = 15_000;
/** A process that is gone without its lease is evicted by the others when its lease has expired; they need not be in time. */
const evictionLeases = 3;
/** A second signal means "now", unless it follows so closely that it may be an echo of the first, or melts into it. */
const echoMs = 1000;
/** Masters poll their orders every second; one that has not begun to drain by then is of a release that knows none. */
const unresponsiveMs = 5000;
const pollMs = 250;

/**
 * Drains another master of this host and waits until it is gone. It is asked by an order in the rows; SIGTERM is what
 * masters of every release understand, and ends one that does not carry it out.
 */
export async function drainMaster(
  database: Database,
  master: Drained,
  { deadlineMs = Number.POSITIVE_INFINITY, signal: impatience, trail }: DrainOptions = {},
): Promise<DrainReport> {
  const before = await readWork(database, master.masterid);
  const began = performance.now();
  await order(database, master, deadlineMs, trail);
  const outcome = await waitForEnd(database, master, began + deadlineMs, impatience);
  const seconds = (performance.now() - began) / 1000;
  const judge = () => judgeWork(database, master.masterid, before, outcome !== "draining");
  return { outcome, seconds, requests: await whenDatabaseIsBack(database, judge, impatience) };
}

/** What became of the work is worth waiting for: the master has its order, and cannot be asked again. */
async function whenDatabaseIsBack<T>(database: Database, read: () => Promise<T>, impatience?: AbortSignal): Promise<T> {
  for (;;) {
    try {
      return await read();
    } catch (error) {
      if (!database.dialect.isAway(error) || impatience?.aborted) throw error;
      await sleep(1000);
    }
  }
}

async function waitForEnd(
  database: Database,
  master: Drained,
  deadline: number,
  impatience: AbortSignal | undefined,
): Promise<DrainReport["outcome"]> {
  const unresponsiveAt = performance.now() + unresponsiveMs;
  let askedAt = Number.NEGATIVE_INFINITY;
  let goneSince: number | undefined;
  for (;;) {
    // The process is checked first: what it did before it ended is in the rows then.
    if (!isMasterRunning(master.pid)) goneSince ??= performance.now();
    const { state, leaseMs } = await readState(database, master);
    if (state === "ended") {
      await waitForExit(master.pid);
      return "ended";
    }
    const now = performance.now();
    if (goneSince !== undefined && (state === "buried" || now > goneSince + evictionLeases * leaseMs)) return "died";
    if (impatience?.aborted || now > deadline + releaseMs) return goneSince === undefined ? "draining" : "died";
    const isUnresponsive =
      (state === "starting" || state === "running") && now > unresponsiveAt && askedAt < unresponsiveAt;
    if (isUnresponsive || now > Math.max(deadline + echoMs, askedAt + echoMs)) {
      signal(master, "SIGTERM");
      askedAt = now;
    }
    await sleep(pollMs);
  }
}

/** Throws a sentence if `drainMaster` could not signal this master. */
export function requireDrainable(master: Drained): void {
  signal(master, 0);
}

async function order(
  database: Database,
  { masterid }: Drained,
  deadlineMs: number,
  trail: DrainOptions["trail"],
): Promise<void> {
  const deadline = Number.isFinite(deadlineMs) ? deadlineMs / 1000 : null;
  const drain = { masterid, kind: "drain", role: null, reason: "it is replaced by a new master", deadline } as const;
  try {
    await placeOrder(database, { ...drain, orderedBy: "master upgrade" }, trail);
  } catch (error) {
    // It has ended, or is about to be evicted: the rows show it.
    if (!(error instanceof UserError)) throw error;
  }
}

function signal({ name, pid }: Drained, what: NodeJS.Signals | 0): void {
  if (!isMasterRunning(pid)) return;
  try {
    process.kill(pid, what);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw errors.masterNotOurs(name, pid, { cause: error });
  }
}

interface RowState {
  /** "unknown" while the database is away. */
  state: MasterState | "ended" | "buried" | "unknown";
  leaseMs: number;
}

/** A master that is evicted while it drains has a new epoch soon, and goes on draining. */
async function readState(database: Database, { masterid, host, pid }: Drained): Promise<RowState> {
  try {
    const [row] = await queryRows<{
      host: string;
      pid: number;
      lease_s: number;
      ended: number;
      buried: number;
      state: MasterState;
    }>(
      database,
      `select host, pid, lease_s, state, case when ended_at is not null then 1 else 0 end as ended,
         case when buried_at is not null then 1 else 0 end as buried from mm_leases where masterid = ?`,
      [masterid],
    );
    // Its name has gone to another process: this happens only after its end.
    if (row === undefined || row.host !== host || row.pid !== pid) return { state: "ended", leaseMs: 0 };
    return {
      state: row.ended === 1 ? "ended" : row.buried === 1 ? "buried" : row.state,
      leaseMs: row.lease_s * 1000,
    };
  } catch (error) {
    if (!database.dialect.isAway(error)) throw error;
    return { state: "unknown", leaseMs: Number.POSITIVE_INFINITY };
  }
}

/** A process that no parent reaps stays visible for ever, so the wait has an end. */
async function waitForExit(pid: number): Promise<void> {
  const deadline = performance.now() + exitMs;
  while (isMasterRunning(pid) && performance.now() < deadline) await sleep(pollMs);
}
