import { type Connection, queryRows } from "@multimaster/database";
import { bool, entity, integer, text } from "../../model/field-kinds.ts";
import { hasFailed, isWhole, outcomeOf } from "../tests/test-rows.ts";

/** Tests that failed in one of two builds, by name. */
export const testDifference = entity("test_difference", {
  /** They fail now, and did not before: they passed, or were not there. */
  newly_failing: text.array(),
  still_failing: text.array(),
  /** They failed before and pass now. */
  fixed: text.array(),
  /** They failed before, and this build did not run them, or skipped them. */
  gone: text.array(),
  base_total: integer,
  build_total: integer,
  /** More tests fail than were read. */
  incomplete: bool,
});

interface TestDifference {
  newly_failing: string[];
  still_failing: string[];
  fixed: string[];
  gone: string[];
  base_total: number;
  build_total: number;
  incomplete: boolean;
}

/** Failures that are read of each build. */
const mostFailures = 2000;

interface Tests {
  readonly sets: readonly number[];
  readonly total: number;
  readonly failed: ReadonlySet<string>;
}

export async function compareTests(connection: Connection, base: number, build: number): Promise<TestDifference> {
  const [before, now] = await Promise.all([readTests(connection, base), readTests(connection, build)]);
  const notNow = [...before.failed].filter((name) => !now.failed.has(name));
  const passing = await readPassing(connection, now.sets, notNow);
  return {
    newly_failing: [...now.failed].filter((name) => !before.failed.has(name)).sort(),
    still_failing: [...now.failed].filter((name) => before.failed.has(name)).sort(),
    fixed: notNow.filter((name) => passing.has(name)).sort(),
    gone: notNow.filter((name) => !passing.has(name)).sort(),
    base_total: before.total,
    build_total: now.total,
    incomplete: before.failed.size >= mostFailures || now.failed.size >= mostFailures,
  };
}

async function readTests(connection: Connection, buildid: number): Promise<Tests> {
  const sets = await queryRows<{ id: number; total: number }>(
    connection,
    `select s.id, coalesce(s.tests_passed, 0) + coalesce(s.tests_failed, 0) as total
       from test_result_sets s where s.buildid = ? and ${isWhole("s")}`,
    [buildid],
  );
  const ids = sets.map(({ id }) => id);
  const isIn = connection.dialect.isOneOf("r.test_result_setid", ids);
  const rows = await queryRows<{ name: string }>(
    connection,
    `select n.name from test_results r join test_names n on n.id = r.test_nameid
      where ${isIn.sql} and ${hasFailed("r")} order by r.id limit ${mostFailures}`,
    isIn.bindings,
  );
  return {
    sets: ids,
    total: sets.reduce((sum, set) => sum + set.total, 0),
    failed: new Set(rows.map(({ name }) => name)),
  };
}

/** Which of these tests passed in sets of results. */
async function readPassing(
  connection: Connection,
  sets: readonly number[],
  names: readonly string[],
): Promise<Set<string>> {
  if (names.length === 0 || sets.length === 0) return new Set();
  const { dialect } = connection;
  const isIn = dialect.isOneOf("s.id", sets);
  const given = dialect.rowsOf(
    ["text"],
    names.map((name) => [name]),
  );
  // Each name is looked up in its builder's, and then its result: a build may have 50,000 of them.
  const rows = await queryRows<{ name: string }>(
    connection,
    `with v(name) as (${given.sql})
     select v.name from v where exists (
       select 1 from test_result_sets s
         join test_names n on n.builderid = s.builderid and n.name = v.name
         join test_results r on r.test_nameid = n.id and r.test_result_setid = s.id
        where ${isIn.sql} and ${outcomeOf("r")} = 'pass')`,
    [...given.bindings, ...isIn.bindings],
  );
  return new Set(rows.map(({ name }) => name));
}
