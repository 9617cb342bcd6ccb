import { type Connection, queryRows } from "@multimaster/database";
import { groupValues } from "../read/group-values.ts";

/** A builder on a master. */
export interface BuilderPlacement {
  readonly builderid: number;
  readonly masterid: number;
  /** Null: without a limit, or unknown. */
  readonly maxBuilds: number | null;
  /** Null: unknown. */
  readonly directory: string | null;
  /** How much of a worker's capacity one of its builds takes. */
  readonly weight?: number;
  /** A function of the config is asked before one of its requests starts. */
  readonly asks?: boolean;
  /** Those configured for it; one list for all builders that have the same. */
  readonly workerids: readonly number[];
}

interface PlacementRow {
  id: number;
  builderid: number;
  masterid: number;
  maxbuilds: number | null;
  directory: string | null;
  setid: number | null;
  weight: number | null;
  asks: number | null;
}

const noWorkers: readonly number[] = [];

/** Where builders are, with their workers: each set of workers is read once, however many builders have it. */
export async function readBuilderPlacements(
  connection: Connection,
  builderids: readonly number[],
): Promise<BuilderPlacement[]> {
  const wanted = connection.dialect.isOneOf("bm.builderid", builderids);
  const rows = await queryRows<PlacementRow>(
    connection,
    `select bm.id, bm.builderid, bm.masterid, o.max_builds as maxbuilds, o.directory, bw.setid,
            ru.weight, ru.asks from builder_masters bm
       left join mm_builder_offers o on o.builderid = bm.builderid and o.masterid = bm.masterid
       left join mm_builder_rules ru on ru.builderid = bm.builderid and ru.masterid = bm.masterid
       left join mm_builder_workers bw on bw.buildermasterid = bm.id
      where ${wanted.sql} order by bm.builderid, bm.masterid`,
    wanted.bindings,
  );
  const setids = [...new Set(rows.flatMap(({ setid }) => setid ?? []))];
  const [ofSet, ofPlacement] = await Promise.all([
    readWorkerids(connection, "mm_worker_set_members", "setid", setids),
    // Masters of Buildbot, or of an earlier release.
    readWorkerids(
      connection,
      "configured_workers",
      "buildermasterid",
      rows.flatMap(({ id, setid }) => (setid === null ? id : [])),
    ),
  ]);
  return rows.map(({ id, setid, maxbuilds, weight, asks, ...placement }) => ({
    ...placement,
    weight: weight ?? 1,
    asks: asks === 1,
    maxBuilds: maxbuilds,
    workerids: (setid === null ? ofPlacement.get(id) : ofSet.get(setid)) ?? noWorkers,
  }));
}

async function readWorkerids(
  connection: Connection,
  table: string,
  key: string,
  keys: readonly number[],
): Promise<ReadonlyMap<number, number[]>> {
  if (keys.length === 0) return new Map();
  const wanted = connection.dialect.isOneOf(key, keys);
  const rows = await queryRows<{ owner: number; workerid: number }>(
    connection,
    `select ${key} as owner, workerid from ${table} where ${wanted.sql} order by workerid`,
    wanted.bindings,
  );
  return groupValues(rows.map(({ owner, workerid }) => [owner, workerid]));
}
