import { findLeast } from "@multimaster/core";
import { newestTriggers, publishedSchedulers, queryRows, readSources } from "@multimaster/database";
import { z } from "zod";
import { defineResource, plainFields, type ReadContext } from "../model/define-resource.ts";
import { bool, datetime, identifier, integer, structured, text } from "../model/field-kinds.ts";
import { readSchedulerProblems } from "../waiting/scheduler-problems.ts";
import { readWaitingChanges } from "./waiting-changes.ts";

const kept = z.object({
  /** Seconds since 1970. */
  at: z.int(),
  /** The build that triggered it. */
  buildid: z.int(),
  sources: z.array(z.object({ codebase: z.string(), branch: z.string().nullable(), revision: z.string().nullable() })),
});

const shape = {
  schedulerid: integer,
  name: text,
  enabled: bool,
  /** What makes it build, or "unknown" if it has published nothing. */
  kind: identifier(16),
  /** When it builds next: by the clock, or when its timer fires unless another change arrives before; null if neither is known. */
  next_at: datetime.nullable(),
  /** Changes that it wants and that are in no buildset yet. */
  waiting_changes: integer,
  /** Its latest buildset, if that is one of the cluster's latest. */
  last_bsid: integer.nullable(),
  last_at: datetime.nullable(),
  /** The latest time that it decided by the clock; null for a scheduler that does not go by it. */
  last_slot: datetime.nullable(),
  /** What became of that: "built", "unchanged", "missed", or "failed". */
  last_outcome: identifier(16).nullable(),
  /** Runs that were missed then, because no master ran it. */
  missed_slots: integer,
  /** What it was triggered with since its last time, and builds at the next one. */
  kept: structured(kept).nullable(),
  /** What keeps it from building, such as an error in a function of the config. */
  problem: text.nullable(),
};

export type Schedule = z.output<z.ZodObject<typeof shape>>;

/** When each scheduler ran last and runs next. */
export const schedules = defineResource({
  name: "schedule",
  plural: "schedules",
  rights: { needs: ["schedulers", "changes", "buildsets", "sourcestamps"] },
  id: "schedulerid",
  fields: plainFields(shape),
  rows: readSchedules,
  paths: [
    { pattern: "schedules", kind: "collection" },
    {
      pattern: "schedules/n:schedulerid",
      kind: "single",
      rows: async (context) =>
        (await readSchedules(context)).filter((row) => row.schedulerid === context.params["schedulerid"]),
    },
  ],
});

/** No index finds the buildsets of a scheduler, so only this many of the latest are searched. */
const latestBuildsets = 1000;

async function readSchedules(context: ReadContext): Promise<Schedule[]> {
  const waiting = await readWaitingChanges(context);
  const last = await readLastBuildsets(context);
  const slots = await readLastSlots(context);
  const problems = await readSchedulerProblems(context);
  const triggers = await readKept(context);
  return (await readSchedulers(context)).map(({ id, name, enabled, kind, published }) => {
    const lines = waiting.filter(({ schedulerid }) => schedulerid === id);
    const due = lines.flatMap(({ until, reasons }) => (until !== null && reasons[0]?.kind === "timer" ? [until] : []));
    if (published !== null) due.push(Math.ceil(published));
    return {
      schedulerid: id,
      name,
      enabled: enabled !== 0,
      kind,
      next_at: findLeast(due, (at) => at) ?? null,
      waiting_changes: lines.reduce((sum, { changeids, changeids_more }) => sum + changeids.length + changeids_more, 0),
      last_bsid: last.get(name)?.bsid ?? null,
      last_at: last.get(name)?.submitted_at ?? null,
      ...describeSlot(slots.get(id)),
      kept: kind === "times" ? (triggers.get(id) ?? null) : null,
      problem: problems.get(name) ?? null,
    };
  });
}

function readSchedulers({ connection }: ReadContext) {
  return queryRows<{ id: number; name: string; enabled: number; kind: string; published: number | null }>(
    connection,
    `select s.id, s.name, coalesce(s.enabled, 1) as enabled, coalesce(p.kind, 'unknown') as kind, p.next_at as published
       from schedulers s left join ${publishedSchedulers} p on p.schedulerid = s.id order by s.id`,
  );
}

/** By the scheduler's name. */
async function readLastBuildsets({ connection }: ReadContext) {
  const rows = await queryRows<{ bsid: number; submitted_at: number; scheduler: string }>(
    connection,
    `select bs.id as bsid, bs.submitted_at, p.property_value as scheduler
       from buildsets bs join buildset_properties p on p.buildsetid = bs.id and p.property_name = 'scheduler'
      where bs.id > (select coalesce(max(id), 0) from buildsets) - ${latestBuildsets} order by bs.id`,
  );
  return new Map(rows.map((row) => [(JSON.parse(row.scheduler) as [string, string])[0], row]));
}

interface SlotRow {
  schedulerid: number;
  slot: number;
  outcome: string;
  passed: number;
}

function describeSlot(row: SlotRow | undefined): Pick<Schedule, "last_slot" | "last_outcome" | "missed_slots"> {
  if (!row) return { last_slot: null, last_outcome: null, missed_slots: 0 };
  const { slot, outcome, passed } = row;
  return { last_slot: slot, last_outcome: outcome, missed_slots: passed + (outcome === "missed" ? 1 : 0) };
}

async function readLastSlots({ connection }: ReadContext) {
  const rows = await queryRows<SlotRow>(
    connection,
    `select t.schedulerid, t.slot, t.outcome, t.passed from mm_scheduler_slots t
      where t.kind = 'time' and t.slot = (select max(slot) from mm_scheduler_slots n where n.schedulerid = t.schedulerid and n.kind = 'time')`,
  );
  return new Map(rows.map((row) => [row.schedulerid, row]));
}

/** By the scheduler's id. */
async function readKept({ connection }: ReadContext): Promise<ReadonlyMap<number, Schedule["kept"]>> {
  const rows = await newestTriggers(connection);
  const ssids = [...new Set(rows.flatMap(({ sourceStamps }) => sourceStamps))];
  const stamps = new Map(
    ssids.length === 0 ? [] : (await readSources(connection, ssids)).map((stamp) => [stamp.ssid, stamp]),
  );
  return new Map(
    rows.map(({ schedulerid, askedAt, buildid, sourceStamps }) => {
      const sources = sourceStamps
        .flatMap((ssid) => stamps.get(ssid) ?? [])
        .map(({ codebase, branch, revision }) => ({ codebase, branch, revision }));
      return [schedulerid, { at: Math.floor(askedAt), buildid, sources }];
    }),
  );
}
