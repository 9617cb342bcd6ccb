import { type Database, execute, upgradeDatabase } from "@multimaster/database";
import pg from "pg";
import { beforeAll, describe, expect, it } from "vitest";
import { onCleanup } from "../../harness/cleanup.ts";
import { type RestServer, startRestServer } from "../../harness/rest-server.ts";
import { newDatabaseUrl, openTestDatabase } from "../../harness/test-databases.ts";

const sets = 20_000;

/** A hundred builders with five tests each, run in every build. */
const fill = [
  "insert into masters (id, name, name_hash, active, last_active) values (900, 'm', 'm', 1, 1)",
  "insert into builders (id, name, name_hash) select n, 'b' || n, 'b' || n from generate_series(1, 100) n",
  "insert into workers (id, name, info) values (1, 'w', '{}')",
  `insert into buildsets (id, reason, submitted_at, complete) select n, 'r', n, 1 from generate_series(1, ${sets}) n`,
  `insert into buildrequests (id, buildsetid, builderid, priority, complete, results, submitted_at, waited_for)
     select n, n, n % 100 + 1, 0, 1, 0, n, 0 from generate_series(1, ${sets}) n`,
  `insert into builds (id, number, builderid, buildrequestid, workerid, masterid, started_at, complete_at, locks_duration_s, state_string, results)
     select n, n, n % 100 + 1, n, 1, 900, n, n + 5, 0, 'done', 0 from generate_series(1, ${sets}) n`,
  `insert into steps (id, number, name, buildid, state_string, urls_json, hidden)
     select n, 0, 'junit', n, 'done', '[]', 0 from generate_series(1, ${sets}) n`,
  `insert into mm_builder_lines (lineid, builderid, line_hash, source, watched, failing, bad_count, failing_since)
     select n, n, 'main', 'main', 1, 0, 0, 0 from generate_series(1, 100) n`,
  `insert into mm_line_builds (buildid, lineid, position, good) select n, n % 100 + 1, n, 1 from generate_series(1, ${sets}) n`,
  "insert into test_names (id, builderid, name) select n, n % 100 + 1, 't' || n / 100 from generate_series(1, 500) n",
  `insert into test_result_sets (id, builderid, buildid, stepid, category, value_unit, complete)
     select n, n % 100 + 1, n, n, 'pass_fail', 'outcome', 1 from generate_series(1, ${sets}) n`,
  `insert into test_results (builderid, test_result_setid, test_nameid, duration_ns, value)
     select s.builderid, s.id, t.id, t.id * 1000, case when (s.id + t.id) % 31 = 0 then 'fail' else 'pass' end
       from test_result_sets s join test_names t on t.builderid = s.builderid`,
  "analyze",
];

interface Plan {
  readonly "Node Type": string;
  readonly "Relation Name"?: string;
  readonly Plans?: readonly Plan[];
}

const nodes = (plan: Plan): Plan[] => [plan, ...(plan.Plans ?? []).flatMap(nodes)];
const isScan = (node: Plan) => node["Node Type"].endsWith("Seq Scan");
const isOfTests = (node: Plan) => /^test_result/.test(node["Relation Name"] ?? "");

describe(`what pages ask of ${sets * 5} results of tests, on postgresql`, () => {
  let database: Database;
  let server: RestServer;
  let client: pg.Client;
  let asked: { sql: string; bindings: unknown[] }[] = [];
  beforeAll(async () => {
    const url = await newDatabaseUrl("postgresql");
    database = await openTestDatabase(url);
    await upgradeDatabase(database);
    for (const sql of fill) await execute(database, sql);
    client = new pg.Client({ connectionString: url });
    await client.connect();
    onCleanup(() => client.end());
    server = await startRestServer(database);
    database.watch(({ sql, bindings }) => asked.push({ sql, bindings: [...bindings] }));
  });

  it.each([
    "tests/failing?limit=200",
    "tests/flaky?limit=200",
    "tests/slowest?limit=50",
    "builders/7/tests/failing?limit=200",
    "builders/7/tests/flaky?limit=200",
    "builders/7/tests/slowest?limit=50",
    "tests/400/runs?order=-test_result_setid&limit=100",
    `builds/${sets / 2}/tests?order=outcome&limit=500`,
  ])("%s is read by indexes", async (path) => {
    asked = [];
    const answer = await server.get(`/api/v2/${path}`);
    expect(answer.status).toBe(200);
    expect(answer.body.meta.total).toBeGreaterThan(0);
    const selects = asked.filter(({ sql }) => sql.startsWith("select"));
    expect(selects.length).toBeGreaterThan(0);
    for (const { sql, bindings } of selects) {
      // A total is counted only as far as it is shown.
      if (sql.startsWith("select count(*) as n from (select 1")) continue;
      const { rows } = await client.query(`explain (format json) ${sql}`, bindings);
      const [{ Plan: plan }] = rows[0]["QUERY PLAN"] as [{ Plan: Plan }];
      expect(
        nodes(plan).filter((node) => isScan(node) && isOfTests(node)),
        sql,
      ).toEqual([]);
    }
  });
});
