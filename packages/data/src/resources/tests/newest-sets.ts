import { type Connection, queryRows } from "@multimaster/database";
import { isWhole } from "./test-rows.ts";

/**
 * Rows of tests are read step by step, by ids: in one statement PostgreSQL would misjudge how many rows a step returns, and
 * read all results.
 */

/** Ids of the sets of each builder's newest build that tested anything; of one builder when it is given. */
export async function readNewestSets(connection: Connection, builderid: number | undefined): Promise<number[]> {
  const rows = await queryRows<{ sets: string | null }>(
    connection,
    // Aggregated for each builder: a join to the sets would let PostgreSQL read all sets there are.
    `select (select string_agg(cast(s.id as text), ',') from test_result_sets s
         where ${isWhole("s")} and s.buildid = (select n.buildid from test_result_sets n
           where n.builderid = bu.id and ${isWhole("n")} order by n.buildid desc limit 1)) as sets
       from builders bu${builderid === undefined ? "" : " where bu.id = cast(? as bigint)"}`,
    builderid === undefined ? [] : [builderid],
  );
  return rows.flatMap(({ sets }) => sets?.split(",").map(Number) ?? []);
}

/** How many sets are searched for the slowest tests. */
const slowestSets = 50;

/** Ids of the slowest results of these sets. */
export async function readSlowest(connection: Connection, sets: readonly number[], limit: number): Promise<number[]> {
  const isGiven = connection.dialect.isOneOf("s.id", sets);
  const slowest = await queryRows<{ id: number; longest: number | null }>(
    connection,
    `select s.id, (select r.duration_ns from test_results r where r.test_result_setid = s.id
        and r.duration_ns is not null order by r.duration_ns desc limit 1) as longest
       from test_result_sets s where ${isGiven.sql}`,
    isGiven.bindings,
  );
  const ids = slowest
    .filter(({ longest }) => longest !== null)
    .sort((a, b) => Number(b.longest) - Number(a.longest))
    .slice(0, slowestSets)
    .map(({ id }) => id);
  const isIn = connection.dialect.isOneOf("r.test_result_setid", ids);
  const rows = await queryRows<{ id: number }>(
    connection,
    `select r.id from test_results r left join mm_long_tests lt on lt.test_resultid = r.id
      where ${isIn.sql} and r.duration_ns is not null and r.value <> 'skip'
      order by coalesce(lt.duration_ns, r.duration_ns) desc, r.id limit ?`,
    [...isIn.bindings, limit],
  );
  return rows.map(({ id }) => id);
}
