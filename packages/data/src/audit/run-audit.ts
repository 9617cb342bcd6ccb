import { errors } from "@multimaster/core";
import { type Connection, type Database, queryRows } from "@multimaster/database";
import type { Check, Moment } from "./check.ts";
import { auditChecks } from "./checks/index.ts";

export interface AuditOptions {
  /** What is younger than so many seconds may be in the middle of happening. Default 30. */
  graceSeconds?: number;
  /** Checks of history read what began in the last so many seconds. Default: all of it. */
  windowSeconds?: number;
  /** Ids of the checks to make. Default: all. */
  only?: readonly string[];
  /** Ids reported for each finding, at most. Default 10. */
  maxIds?: number;
}

/** One check that does not hold. */
export interface AuditFinding {
  check: string;
  /** What was found, in words. */
  sentence: string;
  means: string;
  advice: string;
  total: number;
  /** The first of them. */
  ids: (number | string)[];
}

export interface AuditReport {
  /** The database's clock at the snapshot, epoch seconds. */
  at: number;
  /** The ids of the checks that were made. */
  checks: string[];
  findings: AuditFinding[];
}

/** Checks what must hold at any moment, also of a cluster at work: in one snapshot, writing nothing. */
export function auditDatabase(database: Database, options: AuditOptions = {}): Promise<AuditReport> {
  return database.snapshot((tx) => auditRows(tx, options));
}

/** The same in the caller's transaction, which must show one snapshot unless no one else writes. */
export async function auditRows(tx: Connection, options: AuditOptions = {}): Promise<AuditReport> {
  const checks = chooseChecks(options.only);
  const at = await readMoment(tx, options);
  const findings: AuditFinding[] = [];
  for (const check of checks) {
    const finding = await makeCheck(tx, check, at, options.maxIds ?? 10);
    if (finding) findings.push(finding);
  }
  return { at: at.now, checks: checks.map(({ id }) => id), findings };
}

/** The checks of these ids, or all; throws a sentence for an id that is none. */
export function chooseChecks(only: readonly string[] | undefined): readonly Check[] {
  if (only === undefined || only.length === 0) return auditChecks;
  const known = new Set(auditChecks.map(({ id }) => id));
  const unknown = only.find((id) => !known.has(id));
  if (unknown !== undefined) throw errors.unknownCheck(unknown, [...known]);
  return auditChecks.filter(({ id }) => only.includes(id));
}

/** Read together with a row, which is what makes SQLite take its snapshot; the clock goes on, and the rows do not. */
async function readMoment(tx: Connection, options: AuditOptions): Promise<Moment> {
  const { now, upSince } = tx.dialect;
  const [clock] = await queryRows<{ now: number; up_since: number }>(
    tx,
    `select ${now} as now, ${upSince} as up_since from (select count(*) as n from mm_migrations) m`,
  );
  const seconds = Math.floor(clock?.now ?? 0);
  return {
    now: seconds,
    before: Math.floor(seconds - (options.graceSeconds ?? 30)),
    since: options.windowSeconds === undefined ? 0 : Math.floor(seconds - options.windowSeconds),
    upSince: Math.ceil(clock?.up_since ?? 0),
  };
}

async function makeCheck(tx: Connection, check: Check, at: Moment, maxIds: number): Promise<AuditFinding | undefined> {
  const rows = await queryRows<{ id: number | string; total: number }>(
    tx,
    `with found as (${check.sql(at)}) select id, count(*) over () as total from found order by id limit ?`,
    [maxIds],
  );
  const total = rows[0]?.total ?? 0;
  if (total === 0) return undefined;
  const sentence = `${total === 1 ? check.one : check.many.replace("{n}", String(total))}.`;
  return { check: check.id, sentence, means: check.means, advice: check.advice, total, ids: rows.map(({ id }) => id) };
}
