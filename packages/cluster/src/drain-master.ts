import { setTimeout as sleep } from "node:timers/promises";
import { errors } from "@multimaster/core";
import { type Database, queryRows } from "@multimaster/database";
import { type DrainedRequests, judgeWork, readWork } from "./drained-requests.ts";
import type { MasterStatus } from "./membership.ts";

export interface DrainOptions {
  /** Running builds are given back, to be run again, when the drain takes longer; absent: it takes as long as they do. */
  deadlineMs?: number;
  /** Ends the waiting, not the drain. */
  signal?: AbortSignal;
}

/** What became of a master that was told to drain. */
export interface DrainReport {
  /** "ended": in order. "died": without giving its lease back; it is buried. "draining": it still runs. */
  outcome: "ended" | "died" | "draining";
  seconds: number;
  requests: DrainedRequests;
}

type Drained = Pick<MasterStatus, "masterid" | "name" | "host" | "pid">;

/** After the deadline builds are given back; a master that has not ended so much later hangs. */
const giveBackMs = 30_000;
/** Between the end of the lease and the end of the process lie only its connections. */
const exitMs = 15_000;
const lookMs = 250;

/**
 * Drains another master of this host and waits until it is gone. The rest of the program asks for a drain only here: how
 * it is asked (`ask`) is nobody else's business. SIGTERM is what masters of every release understand.
 */
export async function drainMaster(
  database: Database,
  master: Drained,
  { deadlineMs = Number.POSITIVE_INFINITY, signal: impatience }: DrainOptions = {},
): Promise<DrainReport> {
  const before = await readWork(database, master.masterid);
  const began = performance.now();
  const outcome = ask(master) ? await waitForEnd(database, master, began + deadlineMs, impatience) : "died";
  const seconds = (performance.now() - began) / 1000;
  return { outcome, seconds, requests: await judgeWork(database, master.masterid, before, outcome !== "draining") };
}

async function waitForEnd(
  database: Database,
  master: Drained,
  deadline: number,
  impatience: AbortSignal | undefined,
): Promise<DrainReport["outcome"]> {
  let isForced = false;
  for (;;) {
    // The process is looked at first: what it did before it ended is in the rows then.
    const isGone = !isRunning(master.pid);
    const state = await readState(database, master);
    if (state === "ended") {
      await waitForExit(master.pid);
      return "ended";
    }
    if (isGone && state !== "unknown") return "died";
    if (impatience?.aborted || performance.now() > deadline + giveBackMs) return "draining";
    // A second signal means "now".
    if (!isForced && performance.now() > deadline) isForced = ask(master);
    await sleep(lookMs);
  }
}

/** Throws a sentence when `drainMaster` could not tell this master anything. */
export function requireDrainable(master: Drained): void {
  signal(master, 0);
}

/** Tells the master to drain; told again, to end now. False when it is not there any more. */
function ask(master: Drained): boolean {
  return signal(master, "SIGTERM");
}

function signal({ name, pid }: Drained, what: NodeJS.Signals | 0): boolean {
  try {
    process.kill(pid, what);
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ESRCH") return false;
    throw errors.masterNotOurs(name, pid, { cause: error });
  }
}

/** "unknown" while the database is away. A master that lost its lease meanwhile has a new epoch, and goes on draining. */
async function readState(database: Database, { masterid, host, pid }: Drained): Promise<"open" | "ended" | "unknown"> {
  try {
    const [row] = await queryRows<{ host: string; pid: number; ended: number }>(
      database,
      "select host, pid, case when ended_at is not null then 1 else 0 end as ended from mm_leases where masterid = ?",
      [masterid],
    );
    // Its name has gone to another process: this happens only after its end.
    if (row === undefined || row.host !== host || row.pid !== pid) return "ended";
    return row.ended === 1 ? "ended" : "open";
  } catch (error) {
    if (!database.dialect.isConnectionLoss(error)) throw error;
    return "unknown";
  }
}

/** A process that nobody reaps stays visible for ever, so this is not waited for without end. */
async function waitForExit(pid: number): Promise<void> {
  const deadline = performance.now() + exitMs;
  while (isRunning(pid) && performance.now() < deadline) await sleep(lookMs);
}

/** Whether there is a process of this id on this host. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== "ESRCH";
  }
}
