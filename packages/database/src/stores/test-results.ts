import type { Connection } from "../connection.ts";
import { execute, queryRows } from "../dialect.ts";
import { fitInteger, fitNullable, longest, truncateText } from "./column-text.ts";
import { insertRows } from "./insert-rows.ts";

export interface NewTestResultSet {
  buildid: number;
  stepid: number;
  description: string | null;
  /** What the results are about, such as "pass_fail". */
  category: string;
  /** What a value is, such as "boolean". */
  valueUnit: string;
}

export interface NewTestResult {
  name: string | null;
  /** The file that the test is in. */
  path: string | null;
  line: number | null;
  durationNs: number | null;
  value: string;
}

/** What an index entry of PostgreSQL can hold, four bytes a character. */
const mostCharacters = 600;

/**
 * Adds an empty set. An open one of the same step and kind without a result is what an earlier call left whose answer
 * was lost: it is given again.
 */
export async function insertTestResultSet(tx: Connection, set: NewTestResultSet): Promise<number> {
  const kind = [truncateText(set.category, longest.name), truncateText(set.valueUnit, longest.name)];
  const description = fitNullable(set.description, longest.sentence);
  const open = await queryRows<{ id: number; description: string | null }>(
    tx,
    `select s.id, s.description from test_result_sets s
      where s.stepid = ? and s.complete = 0 and s.category = ? and s.value_unit = ?
        and not exists (select 1 from test_results r where r.test_result_setid = s.id)`,
    [set.stepid, ...kind],
  );
  const left = open.find((row) => row.description === description);
  if (left) return left.id;
  const [row] = await queryRows<{ id: number }>(
    tx,
    `insert into test_result_sets (builderid, buildid, stepid, description, category, value_unit, complete)
     select builderid, id, ?, ?, ?, ?, 0 from builds where id = ? returning id`,
    [set.stepid, description, ...kind, set.buildid],
  );
  if (!row) throw new Error(`there is no build ${set.buildid}`);
  return row.id;
}

/**
 * Adds results to an open set that has `first` of them; what an earlier call has added, whose answer was lost, is not
 * added again. Tests and files that the builder has had are found by their names.
 */
export async function insertTestResults(
  tx: Connection,
  setid: number,
  first: number,
  results: readonly NewTestResult[],
): Promise<void> {
  const [set] = await queryRows<{ builderid: number; complete: number; have: number }>(
    tx,
    `select s.builderid, s.complete, (select count(*) from test_results r where r.test_result_setid = s.id) as have
       from test_result_sets s where s.id = ?${tx.dialect.noKeyUpdateLock}`,
    [setid],
  );
  if (!set) throw new Error(`there is no test result set ${setid}`);
  const { builderid, have } = set;
  if (have >= first + results.length) return;
  if (have !== first || set.complete !== 0)
    throw new Error(
      `results from ${first} on cannot be added to test result set ${setid}: it has ${have}${set.complete === 0 ? "" : " and is complete"}`,
    );
  const names = await findOrCreateTexts(
    tx,
    { table: "test_names", column: "name", builderid },
    results.map(({ name }) => name),
  );
  const paths = await findOrCreateTexts(
    tx,
    { table: "test_code_paths", column: "path", builderid },
    results.map(({ path }) => path),
  );
  const rows = results.map(({ name, path, line, durationNs, value }) => ({
    builderid,
    test_result_setid: setid,
    test_nameid: name === null ? null : names.get(cut(name)),
    test_code_pathid: path === null ? null : paths.get(cut(path)),
    line: line === null ? null : fitInteger(line),
    duration_ns: durationNs === null ? null : fitInteger(fitDuration(durationNs)),
    value: truncateText(value, longest.name),
  }));
  const isLong = rows.map(
    ({ duration_ns: stored }, i) => stored !== null && stored < fitDuration(results[i]?.durationNs ?? 0),
  );
  await insertRows(
    tx,
    "test_results",
    rows.filter((_, i) => !isLong[i]),
  );
  // Few, so that each may ask for its id.
  for (const [i, row] of rows.entries()) {
    if (!isLong[i]) continue;
    const columns = Object.keys(row);
    const [added] = await queryRows<{ id: number }>(
      tx,
      `insert into test_results (${columns.join(", ")}) values (${columns.map(() => "?").join(", ")}) returning id`,
      Object.values(row),
    );
    await insertRows(tx, "mm_long_tests", [
      { test_resultid: added?.id, duration_ns: fitDuration(results[i]?.durationNs ?? 0) },
    ]);
  }
}

/** Marks a set complete; false when it was. */
export async function completeTestResultSet(
  tx: Connection,
  setid: number,
  counts: { passed: number; failed: number },
): Promise<boolean> {
  const sql =
    "update test_result_sets set complete = 1, tests_passed = ?, tests_failed = ? where id = ? and complete = 0";
  return (await execute(tx, sql, [fitInteger(counts.passed), fitInteger(counts.failed), setid])) === 1;
}

/** As many nanoseconds as a number can hold exactly: what a test says took longer, cannot be read otherwise. */
function fitDuration(ns: number): number {
  if (Number.isNaN(ns)) return 0;
  return Math.trunc(Math.max(0, Math.min(Number.MAX_SAFE_INTEGER, ns)));
}

const cut = (text: string) => truncateText(text, mostCharacters);

interface TextTable {
  table: "test_names" | "test_code_paths";
  column: "name" | "path";
  builderid: number;
}

/** Ids by text. The tables have no unique key, so who adds to them holds the builder's row. */
async function findOrCreateTexts(
  tx: Connection,
  { table, column, builderid }: TextTable,
  texts: readonly (string | null)[],
): Promise<Map<string, number>> {
  const wanted = [...new Set(texts.flatMap((text) => (text === null ? [] : [cut(text)])))];
  const ids = new Map<string, number>();
  const find = async () => {
    const missing = wanted.filter((text) => !ids.has(text));
    if (missing.length === 0) return [];
    // A join, so that each is looked up: a list of values PostgreSQL would compare with every name there is.
    const rows = await queryRows<{ id: number; text: string }>(
      tx,
      `with wanted(text) as (values ${missing.map(() => "(?)").join(", ")})
       select known.id, known.${column} as text from wanted
         join ${table} known on known.builderid = ? and known.${column} = wanted.text order by known.id desc`,
      [...missing, builderid],
    );
    // Of what another program has doubled, the oldest.
    for (const row of rows) ids.set(row.text, row.id);
    return wanted.filter((text) => !ids.has(text));
  };
  if ((await find()).length === 0) return ids;
  await queryRows(tx, `select id from builders where id = ?${tx.dialect.noKeyUpdateLock}`, [builderid]);
  const missing = await find();
  if (missing.length === 0) return ids;
  await insertRows(
    tx,
    table,
    missing.map((text) => ({ builderid, [column]: text })),
  );
  await find();
  return ids;
}
