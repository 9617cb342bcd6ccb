import { createHash } from "node:crypto";
import { fencedTransaction } from "@multimaster/cluster";
import type { Clock } from "@multimaster/core";
import {
  type Connection,
  holdJob,
  insertRetentionRun,
  latestRetentionRun,
  queryRows,
  type RetentionRunRow,
  releaseFreePages,
  updateRetentionRun,
} from "@multimaster/database";
import { z } from "zod";
import { type Amounts, type RetentionReport, retentionReport } from "../../model/retention-report.ts";
import type { UpdateContext } from "../update-context.ts";
import { applyRules, type RunPosition, runPosition } from "./apply-rules.ts";
import { realDeletions, type WriteBatch } from "./deletions.ts";
import { Pace } from "./pace.ts";
import type { RetentionPlan, RetentionRule } from "./rules.ts";
import { SettledParts } from "./settled-parts.ts";

/** What a run of retention works with, beside the rows. */
export interface RetentionRun {
  readonly jobid: number;
  readonly plan: RetentionPlan;
  /** From the end of a run to the beginning of the next, in milliseconds. */
  readonly everyMs: number;
  /** Ends the run; another master, or the next call, goes on. */
  readonly signal: AbortSignal;
  /** What earlier runs of this master are done with; without it everything is judged. */
  readonly settled?: SettledParts;
  /** Called with what was deleted. */
  counted?(rule: RetentionRule, some: Partial<Amounts>): void;
  /** Called with the seconds that each transaction took. */
  wrote?(seconds: number): void;
}

/** How a call ended: the job is another master's, or it is to be called again in so many milliseconds. */
export type RunEnd = "lost" | { readonly againMs: number; readonly ran: boolean };

const savedPosition = runPosition.extend({ plan: z.string() });

/** Thrown to end a run: the master leaves, or the job is another's. */
class RunEnded extends Error {
  readonly why: "stopped" | "lost";

  constructor(why: "stopped" | "lost") {
    super(`the run of retention has ended: ${why}`);
    this.why = why;
  }
}

/** A run works for so large a part of the time; it pauses for the rest. */
const busyShare = 1 / 5;
const longestPauseMs = 10_000;
const saveEveryMs = 2000;
/** After so much work it pauses within a part as well: on SQLite the event loop does nothing else meanwhile. */
const longestWorkMs = 50;
/** Pages of a SQLite file that are given back after each part. */
const pagesAtOnce = 500;

/** Begins a run when it is due, or goes on with the one that another master began. */
export async function runRetention(context: UpdateContext, run: RetentionRun): Promise<RunEnd> {
  const { database } = context;
  const latest = await latestRetentionRun(database);
  const restMs = latest?.ended_ago == null ? 0 : run.everyMs - latest.ended_ago * 1000;
  if (restMs > 0) return { againMs: restMs, ran: false };
  try {
    await new Runner(context, run).go(latest);
    return { againMs: run.everyMs, ran: true };
  } catch (error) {
    if (!(error instanceof RunEnded)) throw error;
    return error.why === "lost" ? "lost" : { againMs: 0, ran: true };
  }
}

class Runner {
  readonly #context: UpdateContext;
  readonly #run: RetentionRun;
  readonly #planHash: string;
  #id = 0;
  #report: RetentionReport = { rules: [] };
  /** Where the run goes on if it ends now. */
  #position: RunPosition | null = null;
  #savedAt: number;
  #workedSince: number;
  readonly #pace: Pace;

  constructor(context: UpdateContext, run: RetentionRun) {
    this.#context = context;
    this.#run = run;
    this.#pace = new Pace(context.database);
    this.#planHash = createHash("sha256").update(JSON.stringify(run.plan)).digest("hex").slice(0, 16);
    this.#savedAt = this.#workedSince = context.clock.now();
  }

  async go(latest: RetentionRunRow | undefined): Promise<void> {
    const from = await this.#begin(latest);
    this.#position = from;
    const { database } = this.#context;
    const { plan, counted } = this.#run;
    // The logs of one build may take thousands of transactions: neither other work nor the end of the master waits for all.
    const write: WriteBatch = async (batch) => {
      if (this.#workedMs >= longestWorkMs) await this.#rest();
      this.#checkStopped();
      return this.#write(batch);
    };
    const settled = this.#run.settled ?? new SettledParts();
    settled.usePlan(this.#planHash);
    try {
      await applyRules({
        plan,
        reading: database,
        deletions: realDeletions(database, write, this.#pace),
        pace: this.#pace,
        report: this.#report,
        now: await readClock(database),
        from,
        settled,
        step: (position) => this.#step(position),
        ...(counted ? { counted: (rule, some) => counted(rule, some) } : {}),
      });
    } catch (error) {
      if (error instanceof RunEnded && error.why === "stopped") await this.#save(this.#position, false);
      throw error;
    }
    await this.#save(null, true);
  }

  /** Where to begin: where the last run ended in the middle, if it had the same rules. */
  async #begin(latest: RetentionRunRow | undefined): Promise<RunPosition> {
    const { masterid } = this.#context.lease;
    if (latest && latest.ended_at === null) {
      this.#id = latest.id;
      this.#report = retentionReport.parse(JSON.parse(latest.report));
      const saved = latest.position === null ? undefined : savedPosition.safeParse(JSON.parse(latest.position)).data;
      if (saved?.plan === this.#planHash) return saved;
      await this.#save(null, true);
    }
    this.#report = { rules: [] };
    this.#id = await this.#write((tx) => insertRetentionRun(tx, masterid, JSON.stringify(this.#report)));
    return runPosition.parse({});
  }

  async #step(position: RunPosition): Promise<void> {
    const { clock, database } = this.#context;
    this.#position = position;
    this.#pace.adapt();
    if (clock.now() - this.#savedAt >= saveEveryMs) await this.#save(position, false);
    await releaseFreePages(database, pagesAtOnce);
    await this.#rest();
    this.#checkStopped();
  }

  get #workedMs(): number {
    return this.#context.clock.now() - this.#workedSince;
  }

  async #rest(): Promise<void> {
    const { clock } = this.#context;
    await pauseAfter(clock, this.#workedMs, this.#run.signal);
    this.#workedSince = clock.now();
  }

  #checkStopped(): void {
    if (this.#run.signal.aborted) throw new RunEnded("stopped");
  }

  async #save(position: RunPosition | null, isOver: boolean): Promise<void> {
    const { clock, lease } = this.#context;
    const saved = position === null ? null : JSON.stringify({ ...position, plan: this.#planHash });
    await this.#write((tx) =>
      updateRetentionRun(tx, this.#id, {
        masterid: lease.masterid,
        position: saved,
        report: JSON.stringify(this.#report),
        isOver,
      }),
    );
    this.#savedAt = clock.now();
  }

  /** Nothing is deleted unless the lease is held and the job is this master's, in the same transaction. */
  readonly #write: WriteBatch = async (write) => {
    const { database, lease } = this.#context;
    const began = performance.now();
    const done = await fencedTransaction(database, lease, async (tx) => {
      if (!(await holdJob(tx, this.#run.jobid, lease.masterid))) throw new RunEnded("lost");
      const workedFrom = performance.now();
      const result = await write(tx);
      this.#pace.worked(performance.now() - workedFrom);
      return result;
    });
    this.#run.wrote?.((performance.now() - began) / 1000);
    return done;
  };
}

/** The slower the database answers, the longer the pause. */
function pauseAfter(clock: Clock, workedMs: number, signal: AbortSignal): Promise<void> {
  return clock.sleep(Math.min(longestPauseMs, Math.max(1, workedMs * (1 / busyShare - 1))), signal);
}

/** The database's clock, in whole seconds. */
export async function readClock(connection: Connection): Promise<number> {
  const [row] = await queryRows<{ now: number }>(connection, `select ${connection.dialect.nowSeconds} as now`);
  return Number((row as { now: number }).now);
}
