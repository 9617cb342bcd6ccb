import { hashColumns, upgradeDatabase } from "@multimaster/database";
import pg from "pg";
import { beforeAll, describe, expect, it } from "vitest";
import { onCleanup } from "../harness/cleanup.ts";
import { type RestServer, startRestServer } from "./rest.server.ts";
import { newDatabaseUrl, openTestDatabase } from "./schema.databases.ts";

const builds = process.env["MULTIMASTER_LONG"] ? 2_000_000 : 200_000;

/** Tables that grow for ever. */
const large = new Set(["builds", "buildrequests", "buildsets", "buildrequest_claims", "changes", "sourcestamps"]);

interface Plan {
  readonly "Node Type": string;
  readonly "Relation Name"?: string;
  readonly "Plan Rows": number;
  readonly Plans?: readonly Plan[];
}

const nodes = (plan: Plan): Plan[] => [plan, ...(plan.Plans ?? []).flatMap(nodes)];

describe(`at ${builds} builds on postgresql`, () => {
  let server: RestServer;
  let client: pg.Client;
  let asked: { sql: string; bindings: unknown[] }[] = [];
  beforeAll(async () => {
    const url = await newDatabaseUrl("postgresql");
    const database = await openTestDatabase(url);
    await upgradeDatabase(database);
    client = new pg.Client({ connectionString: url });
    await client.connect();
    onCleanup(() => client.end());
    await client.query(fill);
    await client.query("update builders set name_hash = $1 where id = 7", [hashColumns("b7")]);
    server = await startRestServer(database);
    (database.sql as unknown as { on(event: "query", listener: (query: (typeof asked)[number]) => void): void }).on(
      "query",
      ({ sql, bindings }) => void asked.push({ sql, bindings }),
    );
  }, 120_000);

  const fill = `
    insert into masters (id, name, name_hash, active, last_active) values (900, 'm', 'm', 1, 1);
    insert into builders (id, name, name_hash) select n, 'b' || n, 'b' || n from generate_series(1, 100) n;
    insert into workers (id, name, info) select n, 'w' || n, '{}' from generate_series(1, 50) n;
    insert into sourcestamps (id, ss_hash, branch, repository, project, codebase, created_at)
      select n, 's' || n, 'main', 'r', '', '', n from generate_series(1, ${builds / 10}) n;
    insert into changes (changeid, author, comments, branch, revlink, when_timestamp, repository, codebase, project, sourcestampid)
      select n, 'a', 'c', 'main', '', n, 'r', '', '', n from generate_series(1, ${builds / 10}) n;
    insert into buildsets (id, reason, submitted_at, complete, complete_at, results)
      select n, 'r', n, 1, n, 0 from generate_series(1, ${builds}) n;
    insert into buildset_sourcestamps (buildsetid, sourcestampid) select n, n % ${builds / 10} + 1 from generate_series(1, ${builds}) n;
    insert into buildrequests (id, buildsetid, builderid, priority, complete, results, submitted_at, complete_at, waited_for)
      select n, n, n % 100 + 1, 0, case when n > ${builds - 100} then 0 else 1 end, 0, n, n, 0 from generate_series(1, ${builds}) n;
    insert into buildrequest_claims (brid, masterid, claimed_at) select n, 900, n from generate_series(1, ${builds - 50}) n;
    insert into builds (id, number, builderid, buildrequestid, workerid, masterid, started_at, complete_at, locks_duration_s, state_string, results)
      select n, n, n % 100 + 1, n, n % 50 + 1, 900, n, case when n > ${builds - 100} then null else n + 5 end, 0, 'build successful', n % 4
        from generate_series(1, ${builds - 50}) n;
    analyze`;

  it.each([
    "builds?order=-buildid&limit=50",
    "builds?order=-complete_at&limit=50",
    "builds?order=-started_at&limit=50",
    "builds?complete=false",
    "builders/7/builds?order=-number&limit=50",
    "builders/7/builds?complete=true&order=-buildid&limit=20",
    "workers/7/builds?order=-buildid&limit=50",
    "builders/b7/builds/1006",
    `buildrequests/${builds / 2}/builds`,
    "changes/1000/builds",
    "changes?order=-changeid&limit=50",
    "buildrequests?order=-buildrequestid&limit=50",
    "builders/7/buildrequests?order=-buildrequestid&limit=50",
    "buildsets?complete=false&limit=50",
    "waiting?limit=50",
    "waiting/builders",
    "builders/7/waiting",
    "members",
    "cluster",
  ])("%s is read by indexes", async (path) => {
    asked = [];
    const answer = await server.get(`/api/v2/${path}`);
    expect(answer.status).toBe(200);
    const selects = asked.filter(({ sql }) => sql.startsWith("select"));
    expect(selects.length).toBeGreaterThan(0);
    for (const { sql, bindings } of selects) {
      // A total is counted as far as it is told.
      if (sql.startsWith("select count(*) as n from (select 1")) continue;
      const { rows } = await client.query(`explain (format json) ${sql}`, bindings as unknown[]);
      const [{ Plan: plan }] = rows[0]["QUERY PLAN"] as [{ Plan: Plan }];
      const bad = nodes(plan).filter(
        (node) =>
          (node["Node Type"].endsWith("Seq Scan") && large.has(node["Relation Name"] ?? "")) ||
          (node["Node Type"] === "Sort" && node["Plan Rows"] > builds / 10),
      );
      expect(bad, sql).toEqual([]);
    }
  });
});
