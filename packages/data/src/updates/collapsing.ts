import { fencedTransaction } from "@multimaster/cluster";
import { append, type Json } from "@multimaster/core";
import {
  type ComparedStamp,
  type Connection,
  comparedStamps,
  countPending,
  getObjectState,
  hashColumns,
  type PendingCount,
  type PendingId,
  pendingIdsOf,
  propertiesOfRequests,
  queryRows,
  setObjectState,
} from "@multimaster/database";
import { type Collapse, collapseRequests } from "@multimaster/lifecycle";
import { collapseProblemKey } from "../model/collapse-problem.ts";
import type { UpdateContext } from "./update-context.ts";

/** Collapsing of build requests: an engine decides, one transaction carries it out. */
export interface CollapsingUpdates {
  /** Those of these builders that have more than one pending request; more than two are not counted. */
  count(builderids: readonly number[]): Promise<PendingCount[]>;
  /** Pending requests of builders that have more than one, oldest first: the newest of each, and those of `also`. */
  pending(builderids: readonly number[], also?: readonly number[]): Promise<PendingId[]>;
  /**
   * By request, a text that compatible requests have in common: of the same builder, codebases, repositories, projects and
   * branches, without a patch, with the same properties of their scheduler and trigger, and for each codebase either both with changes
   * or both with the same revision. Null: compatible with no other.
   */
  keys(buildrequestids: readonly number[]): Promise<ReadonlyMap<number, string | null>>;
  /** Carries it out (fenced), as far as the requests are still free. Resolves to those that ended. */
  collapse(collapse: Collapse): Promise<readonly number[]>;
  /** Shows why no request of a builder collapses; null: nothing keeps them from it. */
  setProblem(builder: string, problem: string | null): Promise<void>;
}

export function createCollapsingUpdates(context: UpdateContext): CollapsingUpdates {
  const { database, lease, publishOutcomes } = context;
  return {
    count: (builderids) => countPending(database, builderids),
    pending: (builderids, also) => pendingIdsOf(database, builderids, also),
    keys: (ids) => readKeys(database, ids),
    async collapse(wanted) {
      const { result, outcomes } = await fencedTransaction(database, lease, (tx) =>
        collapseRequests(tx, lease, wanted),
      );
      await publishOutcomes(outcomes);
      return result;
    },
    async setProblem(builder, problem) {
      const key = collapseProblemKey(builder);
      if (problem === null && !(await getObjectState(database, key))) return;
      await fencedTransaction(database, lease, (tx) => setObjectState(tx, key, problem));
    },
  };
}

/** What a trigger sets also decides what is built, such as whether the code is a fork's, or where it is deployed. */
const comparedSources: ReadonlySet<string> = new Set(["Scheduler", "Trigger"]);

async function readKeys(database: Connection, ids: readonly number[]): Promise<Map<number, string | null>> {
  if (ids.length === 0) return new Map();
  const wanted = database.dialect.isOneOf("id", ids);
  const [stamps, properties, requests] = await Promise.all([
    comparedStamps(database, ids),
    propertiesOfRequests(database, ids),
    queryRows<{ id: number; buildsetid: number; builderid: number }>(
      database,
      `select id, buildsetid, builderid from buildrequests where ${wanted.sql}`,
      wanted.bindings,
    ),
  ]);
  const stampsOf = new Map<number, ComparedStamp[]>();
  for (const stamp of stamps) append(getOrPut(stampsOf, stamp.buildrequestid), [stamp]);
  return new Map(
    requests.map(({ id, buildsetid, builderid }) => {
      const own = stampsOf.get(id) ?? [];
      if (own.some(({ patched }) => patched === 1)) return [id, null];
      const sources = own.map(({ codebase, repository, project, branch, revision, changed }) => [
        codebase,
        repository,
        project,
        branch,
        changed === 1 ? "with changes" : ["revision", revision],
      ]);
      const chosen = Object.entries(properties.get(buildsetid) ?? {})
        .filter(([name, [, source]]) => comparedSources.has(source) && name !== "scheduler")
        .map(([name, [value]]): [string, Json] => [name, value])
        .sort(([a], [b]) => (a < b ? -1 : 1));
      return [id, hashColumns(JSON.stringify([builderid, sources, chosen]))];
    }),
  );
}

function getOrPut<K, V>(map: Map<K, V[]>, key: K): V[] {
  const known = map.get(key) ?? [];
  map.set(key, known);
  return known;
}
