import {
  type Connection,
  nextAuditRows,
  nextChanges,
  nextStamps,
  type OldSource,
  type RetentionBuilder,
  retentionBuilders,
  unneededAuditRows,
  unneededChanges,
  unneededStamps,
} from "@multimaster/database";
import { z } from "zod";
import { type Amounts, addToReport, type RetentionReport } from "../../model/retention-report.ts";
import { Chooser } from "./choose-builds.ts";
import type { Deletions } from "./deletions.ts";
import type { Pace } from "./pace.ts";
import { horizonOf, isAboutBuilder, type RetentionPlan, type RetentionRule } from "./rules.ts";
import { type SettledParts, skewSeconds } from "./settled-parts.ts";

/** Where a run is: what comes before is done. Another master goes on there. */
export const runPosition = z.object({
  rule: z.int().default(0),
  /** Which part of the rule: builds or requests of a builder; changes or source stamps. */
  part: z.int().default(0),
  builderid: z.int().default(0),
  after: z.int().default(0),
});

export type RunPosition = z.output<typeof runPosition>;

/** Builds, changes and rows that are deleted together at most. */
const atOnce = { builds: 20, rows: 200 };
/** Changes and other rows that one query reads at most. */
const readAtOnce = { first: 20, later: 200 };

export interface RunOptions {
  readonly plan: RetentionPlan;
  readonly reading: Connection;
  readonly deletions: Deletions;
  /** Without it, as much as possible is done together. */
  readonly pace?: Pace;
  readonly report: RetentionReport;
  /** The database's clock, in seconds. */
  readonly now: number;
  readonly from: RunPosition;
  /** What earlier runs are done with. */
  readonly settled: SettledParts;
  /** Called after each part of the work: saves the position, and pauses. Throws to end the run. */
  step(position: RunPosition): Promise<void>;
  /** Called with what was deleted. */
  counted?(rule: RetentionRule, some: Partial<Amounts>): void;
}

/** Applies every rule, from a position on. */
export async function applyRules(options: RunOptions): Promise<void> {
  const { plan, from } = options;
  for (const [i, rule] of plan.rules.entries()) {
    if (i < from.rule) continue;
    const start = i === from.rule ? from : runPosition.parse({ rule: i });
    if (rule.delete === "changes" || rule.delete === "audit trail") await applyToRows(options, rule, start);
    else await applyToBuilds(options, rule, start);
  }
}

async function applyToBuilds(options: RunOptions, rule: RetentionRule, start: RunPosition): Promise<void> {
  const { plan, reading, now, settled } = options;
  const horizon = horizonOf(rule, plan, now);
  const kinds = rule.delete === "builds" ? (["builds", "requests"] as const) : (["builds"] as const);
  for (const builder of await retentionBuilders(reading)) {
    if (builder.id < start.builderid || !isAboutBuilder(rule, builder)) continue;
    const isFirst = builder.id === start.builderid;
    for (const [part, kind] of kinds.entries()) {
      if (isFirst && part < start.part) continue;
      const key = `${start.rule}/${builder.id}/${kind}`;
      const resumed = isFirst && part === start.part ? start.after : 0;
      const after = resumed > 0 ? resumed : settled.startOf(key, { now, horizon, newest: builder.newest });
      if (after === undefined) continue;
      const chooser = new Chooser({ rule, plan, builder, now }, kind, after);
      await drainChooser(options, rule, builder, chooser, { ...start, part, builderid: builder.id, after });
      if (resumed === 0) settled.settle(key, after, chooser.settled, now);
    }
  }
}

async function drainChooser(
  options: RunOptions,
  rule: RetentionRule,
  builder: RetentionBuilder,
  chooser: Chooser,
  begun: RunPosition,
): Promise<void> {
  const { reading, deletions, pace, report, counted, step } = options;
  let position = begun;
  const count = (some: Partial<Amounts>) => {
    addToReport(report, rule, builder.name, some);
    counted?.(rule, some);
  };
  for (;;) {
    const { ids, upTo } = await chooser.next(reading);
    for (const some of slices(ids, atOnce.builds, pace)) {
      if (begun.part === 1) await deletions.requests(some, count);
      else if (rule.delete === "builds") await deletions.builds(some, count);
      else if (rule.delete === "logs") await deletions.logs(some, count);
      else await deletions.testResults(some, count);
      await step(position);
    }
    position = { ...position, after: upTo ?? position.after };
    // Also behind the last: a thousand builders with a few builds each are as much work as one with many.
    await step(position);
    if (upTo === undefined) return;
  }
}

/** Rows that are no builds: how they are read, which of the old ones may go, and how these go. */
interface Part {
  readonly read: typeof nextChanges;
  choose(ids: readonly number[]): Promise<number[]>;
  remove(ids: readonly number[]): Promise<void>;
}

/** Changes, then source stamps; or rows of the audit trail. */
async function applyToRows(options: RunOptions, rule: RetentionRule, start: RunPosition): Promise<void> {
  const { plan, reading, deletions, pace, report, counted, now, settled, step } = options;
  const horizon = horizonOf(rule, plan, now);
  const count = (some: Partial<Amounts>) => {
    addToReport(report, rule, undefined, some);
    counted?.(rule, some);
  };
  const { schedulers } = plan;
  const parts: readonly Part[] =
    rule.delete === "audit trail"
      ? [
          {
            read: nextAuditRows,
            choose: (ids) => unneededAuditRows(reading, ids),
            remove: (ids) => deletions.auditRows(ids, count),
          },
        ]
      : [
          {
            read: nextChanges,
            choose: (ids) => unneededChanges(reading, schedulers, ids),
            remove: (ids) => deletions.changes(ids, schedulers, count),
          },
          {
            read: nextStamps,
            choose: (ids) => unneededStamps(reading, ids),
            remove: (ids) => deletions.stamps(ids, count),
          },
        ];
  for (const [part, { read, choose, remove }] of parts.entries()) {
    if (part < start.part) continue;
    const key = `${start.rule}/${part}`;
    const resumed = part === start.part ? start.after : 0;
    const first = resumed > 0 ? resumed : settled.startOf(key, { now, horizon });
    if (first === undefined) continue;
    let after = first;
    let quietUntil = now - skewSeconds;
    for (let limit = readAtOnce.first; ; limit = readAtOnce.later) {
      const rows = await read(reading, { after, limit });
      const end = rows.findIndex(({ at }) => at > horizon);
      const old = end === -1 ? rows : rows.slice(0, end);
      const unneeded = old.length === 0 ? [] : await choose(old.map(({ id }) => id));
      for (const some of slices(unneeded, atOnce.rows, pace)) {
        await remove(some);
        await step({ ...start, part, after });
      }
      after = old.at(-1)?.id ?? after;
      await step({ ...start, part, after });
      if (end !== -1) quietUntil = Math.min(quietUntil, (rows[end] as OldSource).at);
      if (end !== -1 || rows.length < limit) break;
    }
    if (resumed === 0) settled.settle(key, first, { after, quietUntil, hasNeeded: false }, now);
  }
}

function* slices<T>(items: readonly T[], most: number, pace?: Pace): Iterable<readonly T[]> {
  let from = 0;
  while (from < items.length) {
    const size = pace?.of(most) ?? most;
    yield items.slice(from, from + size);
    from += size;
  }
}
