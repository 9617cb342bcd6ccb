import { pythonJson } from "@multimaster/core";
import { claimantOf, isRequestCancelled } from "../conditions.ts";
import type { Connection } from "../connection.ts";
import { type Fragment, queryRows } from "../dialect.ts";

/** Which open requests are meant: all given fields must match. */
export interface OpenRequestFilter {
  readonly builderids?: readonly number[] | undefined;
  /** Of one source stamp; a null branch is the default one. */
  readonly branch?: string | null | undefined;
  readonly revision?: string | undefined;
  readonly repository?: string | undefined;
  readonly project?: string | undefined;
  readonly codebase?: string | undefined;
  readonly scheduler?: string | undefined;
  /** Without it: both. */
  readonly claimed?: boolean | undefined;
  /** Text in the reason of the buildset. */
  readonly reason?: string | undefined;
  readonly buildsetid?: number | undefined;
  /** Only requests with a higher id. */
  readonly after?: number | undefined;
}

export interface OpenRequest {
  buildrequestid: number;
  builder: string;
  branch: string | null;
  /** 1: a master has it. */
  claimed: number;
  /** Identity of the user who asked for it. */
  owner: string | null;
}

/** Requests that have not ended and that no one has cancelled, oldest first; served by the index of open requests. */
export async function findOpenRequests(
  connection: Connection,
  filter: OpenRequestFilter,
  limit: number,
): Promise<OpenRequest[]> {
  const { dialect } = connection;
  const conditions: Fragment[] = [];
  const claimed = `${claimantOf("r")} is not null`;
  if (filter.builderids) conditions.push(dialect.isOneOf("r.builderid", filter.builderids));
  if (filter.buildsetid !== undefined) conditions.push({ sql: "r.buildsetid = ?", bindings: [filter.buildsetid] });
  if (filter.after !== undefined) conditions.push({ sql: "r.id > ?", bindings: [filter.after] });
  if (filter.claimed !== undefined)
    conditions.push({ sql: filter.claimed ? claimed : `not (${claimed})`, bindings: [] });
  if (filter.reason !== undefined) conditions.push(dialect.contains("s.reason", filter.reason));
  if (filter.scheduler !== undefined)
    conditions.push({
      sql: `exists (select 1 from buildset_properties p where p.buildsetid = r.buildsetid
        and p.property_name = 'scheduler' and p.property_value = ?)`,
      bindings: [pythonJson([filter.scheduler, "Scheduler"])],
    });
  const ofStamp = stampConditions(filter);
  if (ofStamp.length > 0)
    conditions.push({
      sql: `exists (select 1 from buildset_sourcestamps b join sourcestamps t on t.id = b.sourcestampid
        where b.buildsetid = r.buildsetid and ${ofStamp.map(({ sql }) => sql).join(" and ")})`,
      bindings: ofStamp.flatMap(({ bindings }) => bindings),
    });
  return queryRows<OpenRequest>(
    connection,
    `select r.id as buildrequestid, n.name as builder, case when ${claimed} then 1 else 0 end as claimed,
            (select t.branch from buildset_sourcestamps b join sourcestamps t on t.id = b.sourcestampid
              where b.buildsetid = r.buildsetid order by b.id limit 1) as branch,
            (select a.identity from mm_askers a where a.buildsetid = r.buildsetid) as owner
       from buildrequests r join buildsets s on s.id = r.buildsetid join builders n on n.id = r.builderid
      where r.complete = 0 and not ${isRequestCancelled("r")} ${conditions.map(({ sql }) => `and ${sql}`).join(" ")}
      order by r.id limit ?`,
    [...conditions.flatMap(({ bindings }) => bindings), limit],
  );
}

function stampConditions({ branch, ...filter }: OpenRequestFilter): Fragment[] {
  const fields = ["revision", "repository", "project", "codebase"] as const;
  return [
    ...(branch === undefined
      ? []
      : [{ sql: branch === null ? "t.branch is null" : "t.branch = ?", bindings: branch === null ? [] : [branch] }]),
    ...fields.flatMap((field) =>
      filter[field] === undefined ? [] : [{ sql: `t.${field} = ?`, bindings: [filter[field]] }],
    ),
  ];
}

/** All builders, by id. */
export function builderNames(connection: Connection): Promise<{ id: number; name: string }[]> {
  return queryRows(connection, "select id, name from builders order by id");
}
