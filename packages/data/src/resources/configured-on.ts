import { type Connection, queryRows } from "@multimaster/database";
import type { ReadContext } from "../model/define-resource.ts";
import { groupValues } from "../read/group-values.ts";

/** A builder on a master, for which a worker is configured. */
interface Location {
  readonly masterid: number;
  readonly builderid: number;
}

/**
 * Entries of `configured_on` in one page of a list, over all its workers. A farm where every builder may run on every worker
 * has workers × builders × engines of them, and a reader of the list can use a few of them.
 */
const mostInList = 6_000;

/** The same of a worker that is read for an event: thousands attach within seconds, and every page hears of each. */
const mostInEvent = 100;

/**
 * Loads where workers are configured, ordered by builder and master. A worker that is read alone has all entries; in a list
 * each has as many entries as fit, and at least one. The cost does not grow with all combinations: builders with the same
 * workers share a set of them.
 */
export async function loadConfiguredOn(
  context: ReadContext,
  keys: readonly number[],
): Promise<Map<number, Location[]>> {
  const most = mostOfEach(context.pathKind, keys.length);
  const [inSets, elsewhere] = await Promise.all([readSets(context, keys, most), readOthers(context, keys, most)]);
  const setsOf = groupValues(inSets.members);
  return new Map(
    keys.flatMap((workerid) => {
      const lists = [...(setsOf.get(workerid) ?? []).map((set) => inSets.locations.get(set) ?? [])];
      const others = elsewhere.get(workerid);
      if (others) lists.push(others);
      const [only] = lists;
      if (only === undefined) return [];
      const merged = lists.length === 1 ? only : lists.flatMap((list) => list.slice(0, most)).sort(compare);
      return [[workerid, merged.slice(0, most)] as const];
    }),
  );
}

function mostOfEach(pathKind: ReadContext["pathKind"], workers: number): number {
  if (pathKind === "single") return Number.MAX_SAFE_INTEGER;
  const share = Math.max(1, Math.floor(mostInList / workers));
  return pathKind === undefined ? Math.min(share, mostInEvent) : share;
}

const compare = (a: Location, b: Location) => a.builderid - b.builderid || a.masterid - b.masterid;

/** The sets that the workers are in, at most so many of each, and where the builders of each set are. */
async function readSets({ connection, params }: ReadContext, keys: readonly number[], most: number) {
  const limits = limitsOf(params);
  const places = "mm_builder_workers bw join builder_masters bm on bm.id = bw.buildermasterid";
  const wanted = connection.dialect.isOneOf("m.workerid", keys);
  const members = await queryRows<{ setid: number; workerid: number }>(
    connection,
    `select setid, workerid from (
       select m.setid, m.workerid, row_number() over (partition by m.workerid order by m.setid) as nth
         from mm_worker_set_members m
        where ${wanted.sql} and exists (select 1 from ${places} where bw.setid = m.setid${limits.sql})) s
      where nth <= ${most} order by workerid, setid`,
    [...wanted.bindings, ...limits.bindings],
  );
  const used = connection.dialect.isOneOf("bw.setid", [...new Set(members.map(({ setid }) => setid))]);
  const rows = await queryRows<{ setid: number } & Location>(
    connection,
    `select bw.setid, bm.masterid, bm.builderid from ${places} where ${used.sql}${limits.sql}
      order by bw.setid, bm.builderid, bm.masterid`,
    [...used.bindings, ...limits.bindings],
  );
  return {
    members: members.map(({ setid, workerid }) => [workerid, setid] as const),
    locations: groupValues(rows.map(({ setid, masterid, builderid }) => [setid, { builderid, masterid }])),
  };
}

/** The same for masters without sets: of Buildbot or of an earlier release. */
async function readOthers({ connection, params }: ReadContext, keys: readonly number[], most: number) {
  const limits = limitsOf(params);
  const places = await readPlacesWithoutSet(connection, limits);
  if (places.length === 0) return new Map<number, Location[]>();
  const wanted = connection.dialect.isOneOf("cw.workerid", keys);
  const there = connection.dialect.isOneOf("cw.buildermasterid", places);
  const rows = await queryRows<{ workerid: number } & Location>(
    connection,
    `select workerid, masterid, builderid from (
       select cw.workerid, bm.masterid, bm.builderid,
              row_number() over (partition by cw.workerid order by bm.builderid, bm.masterid) as nth
         from configured_workers cw join builder_masters bm on bm.id = cw.buildermasterid
        where ${wanted.sql} and ${there.sql}) f
      where nth <= ${most} order by workerid, nth`,
    [...wanted.bindings, ...there.bindings],
  );
  return groupValues(rows.map(({ workerid, masterid, builderid }) => [workerid, { builderid, masterid }]));
}

interface Limits {
  readonly sql: string;
  readonly bindings: readonly (string | number | undefined)[];
}

async function readPlacesWithoutSet(connection: Connection, { sql, bindings }: Limits): Promise<number[]> {
  const rows = await queryRows<{ id: number }>(
    connection,
    `select bm.id from builder_masters bm
      where not exists (select 1 from mm_builder_workers bw where bw.buildermasterid = bm.id)${sql}`,
    bindings,
  );
  return rows.map(({ id }) => id);
}

/** Below a master or builder the lists are limited to that one. */
function limitsOf(params: ReadContext["params"]): Limits {
  const names = (["masterid", "builderid"] as const).filter((name) => params[name] !== undefined);
  return { sql: names.map((name) => ` and bm.${name} = ?`).join(""), bindings: names.map((name) => params[name]) };
}
