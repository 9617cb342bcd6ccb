import { claimantOf, isRequestCancelled } from "../conditions.ts";
import type { Connection } from "../connection.ts";
import { queryRows } from "../dialect.ts";

/** Where changes come from. */
export interface SourceLine {
  repository: string;
  project: string;
  codebase: string;
}

/** An open request of the source, with the newest change that it builds of it. */
export interface OpenSource {
  buildrequestid: number;
  builder: string;
  /** The value of the property `scheduler` of its buildset, in JSON; null without one. */
  scheduler: string | null;
  branch: string | null;
  newest: number;
  /** 1: a master has it. */
  claimed: number;
}

/** A request, of whatever age, that builds this change. */
export type RequestOfChange = Pick<OpenSource, "builder" | "scheduler"> & { readonly changeid: number };

/** A part of the requests in the order of their ids: those after one, at most so many. */
export interface RequestPage {
  after: number;
  limit: number;
}

/**
 * Open requests with changes of this source, all older than `below`, in builders of these names. Those that a user has asked for,
 * and rebuilds, are not among them.
 */
export function openRequestsOfSource(
  connection: Connection,
  { repository, project, codebase }: SourceLine,
  builders: readonly string[],
  { below, after, limit }: RequestPage & { below: number },
): Promise<OpenSource[]> {
  const wanted = connection.dialect.isOneOf("n.name", builders);
  return queryRows<OpenSource>(
    connection,
    `select r.id as buildrequestid, n.name as builder, ${schedulerOf("r")} as scheduler, t.branch, max(c.changeid) as newest,
            case when ${claimantOf("r")} is null then 0 else 1 end as claimed
       from buildrequests r join builders n on n.id = r.builderid join buildsets s on s.id = r.buildsetid
       join buildset_sourcestamps b on b.buildsetid = r.buildsetid join sourcestamps t on t.id = b.sourcestampid
       join changes c on c.sourcestampid = t.id
      where r.complete = 0 and r.id > ? and not ${isRequestCancelled("r")} and ${wanted.sql}
        and t.repository = ? and t.project = ? and t.codebase = ? and s.rebuilt_buildid is null
        and not exists (select 1 from mm_askers a where a.buildsetid = r.buildsetid)
      group by r.id, r.buildsetid, n.name, t.branch having max(c.changeid) < ? order by r.id limit ?`,
    [after, ...wanted.bindings, repository, project, codebase, below, limit],
  );
}

const schedulerOf = (alias: string) =>
  `(select p.property_value from buildset_properties p where p.buildsetid = ${alias}.buildsetid and p.property_name = 'scheduler')`;

/** Who builds these changes in builders of these names: each once, without requests that were cancelled. */
export function requestsOfChanges(
  connection: Connection,
  changeids: readonly number[],
  builders: readonly string[],
): Promise<RequestOfChange[]> {
  const ids = connection.dialect.isOneOf("c.changeid", changeids);
  const wanted = connection.dialect.isOneOf("n.name", builders);
  return queryRows<RequestOfChange>(
    connection,
    `select distinct c.changeid, n.name as builder, ${schedulerOf("r")} as scheduler
       from changes c join buildset_sourcestamps b on b.sourcestampid = c.sourcestampid
       join buildrequests r on r.buildsetid = b.buildsetid join builders n on n.id = r.builderid
      where ${ids.sql} and ${wanted.sql}
        and case when r.complete = 1 then r.results <> ${cancelled} else not ${isRequestCancelled("r")} end`,
    [...ids.bindings, ...wanted.bindings],
  );
}

/** The result of what was cancelled. */
const cancelled = 6;

/** An open request in whose buildset another one has failed. */
export interface OpenSibling {
  buildrequestid: number;
  builder: string;
  buildsetid: number;
  failedBuilder: string;
  /** Of the build that failed. */
  number: number;
}

/**
 * Open requests, of `cancels` if given, of buildsets in which a request of these builders has ended as FAILURE: each once, with
 * the first of these failures.
 */
export async function openSiblingsOfFailed(
  connection: Connection,
  { builders, cancels }: { readonly builders: readonly string[]; readonly cancels?: readonly string[] | undefined },
  { failure, after, limit }: RequestPage & { failure: number },
): Promise<OpenSibling[]> {
  const failing = connection.dialect.isOneOf("fn.name", builders);
  const cancelled = cancels ? connection.dialect.isOneOf("n.name", cancels) : { sql: "1 = 1", bindings: [] };
  return queryRows<OpenSibling>(
    connection,
    `select p.id as buildrequestid, p.builder, p.buildsetid, fn.name as "failedBuilder",
            (select max(b.number) from builds b where b.buildrequestid = p.failed) as number
       from (select r.id, n.name as builder, r.buildsetid, min(f.id) as failed
               from buildrequests r join builders n on n.id = r.builderid
               join buildrequests f on f.buildsetid = r.buildsetid and f.complete = 1 and f.results = ?
               join builders fn on fn.id = f.builderid
              where r.complete = 0 and r.id > ? and not ${isRequestCancelled("r")} and ${failing.sql} and ${cancelled.sql}
                and exists (select 1 from builds b where b.buildrequestid = f.id)
              group by r.id, n.name, r.buildsetid order by r.id limit ?) p
       join buildrequests f on f.id = p.failed join builders fn on fn.id = f.builderid order by p.id`,
    [failure, after, ...failing.bindings, ...cancelled.bindings, limit],
  );
}
