import { type Connection, queryRows, type SourcedBuild } from "@multimaster/database";
import { entity, integer, text } from "../../model/field-kinds.ts";

/** Changes of one branch of a codebase, after one and up to another. */
export interface ChangeRange {
  readonly codebase: string;
  readonly branch: string | null;
  readonly after: number;
  readonly upTo: number;
}

/** A change as a list of suspects shows it. */
export const suspect = entity("suspect", {
  changeid: integer,
  author: text,
  /** The first line of its message. */
  subject: text,
  revision: text.nullable(),
  branch: text.nullable(),
  codebase: text,
  when_timestamp: integer,
  revlink: text.nullable(),
});

/** Changes, newest first; `total` counts on where the list ends, up to a thousand. */
export const suspects = entity("suspects", { total: integer, changes: suspect.array() });

export interface Suspect {
  changeid: number;
  author: string;
  subject: string;
  revision: string | null;
  branch: string | null;
  codebase: string;
  when_timestamp: number;
  revlink: string | null;
}

export interface Suspects {
  total: number;
  changes: Suspect[];
}

/**
 * What a build has that another one of the same branches did not have. Without another one, and for a branch that it did not
 * have, only the change that was built.
 */
export function rangesBetween(base: SourcedBuild | undefined, head: SourcedBuild): ChangeRange[] {
  return head.sources.flatMap(({ codebase, branch, changeid }): ChangeRange[] => {
    if (changeid === undefined) return [];
    const before = base?.sources.find((source) => source.codebase === codebase && source.branch === branch);
    return [{ codebase, branch, after: before?.changeid ?? changeid - 1, upTo: changeid }];
  });
}

const mostCounted = 1000;
const longestSubject = 300;

/** The changes of these ranges: at most so many, and their number. */
export async function readChangesIn(
  connection: Connection,
  ranges: readonly ChangeRange[],
  limit: number,
): Promise<Suspects> {
  const all: Suspect[] = [];
  let total = 0;
  for (const { codebase, branch, after, upTo } of ranges) {
    if (upTo <= after) continue;
    const where = "coalesce(c.branch, '') = ? and c.changeid > ? and c.changeid <= ? and c.codebase = ?";
    const bindings = [branch ?? "", after, upTo, codebase];
    const rows = await queryRows<Omit<Suspect, "subject"> & { comments: string }>(
      connection,
      `select c.changeid, c.author, substr(c.comments, 1, ${longestSubject}) as comments, c.revision, c.branch, c.codebase,
              c.when_timestamp, c.revlink
         from changes c where ${where} order by c.changeid desc limit ?`,
      [...bindings, limit],
    );
    for (const { comments, ...change } of rows)
      all.push({ ...change, revlink: change.revlink || null, subject: comments.trim().split("\n")[0] ?? "" });
    total += rows.length < limit ? rows.length : await countChanges(connection, where, bindings);
  }
  return { total, changes: all.sort((a, b) => b.changeid - a.changeid).slice(0, limit) };
}

async function countChanges(connection: Connection, where: string, bindings: readonly unknown[]): Promise<number> {
  const sql = `select count(*) as n from (select 1 from changes c where ${where} limit ${mostCounted}) counted`;
  return Number((await queryRows<{ n: number }>(connection, sql, bindings))[0]?.n ?? 0);
}
