import { type Database, execute, hashColumns, queryRows, upgradeDatabase } from "@multimaster/database";
import pg from "pg";
import { beforeAll, describe, expect, it } from "vitest";
import { onCleanup } from "../../harness/cleanup.ts";
import { fillPostgres, fillSqlite } from "../../harness/fill-many-builds.ts";
import { heavyReads } from "../../harness/heavy-reads.ts";
import { growing } from "../../harness/many-builds.ts";
import { type RestServer, startRestServer } from "../../harness/rest-server.ts";
import { type Engine, engines, newDatabaseUrl, openTestDatabase } from "../../harness/test-databases.ts";

// What the pages ask for, by its plans; at ten million builds and by what is really read: test/cluster/many-builds.test.ts.
const isLong = process.env["MULTIMASTER_LONG"] === "1";
const amounts: Record<Engine, number> = {
  postgresql: isLong ? 2_000_000 : 200_000,
  sqlite: isLong ? 1_000_000 : 20_000,
};

/** Those that grow with the builds here; steps and what belongs to them only the newest builds have. */
const large = new Set<string>(growing.filter((table) => !/^(steps|logs|logchunks|build_properties|test_)/.test(table)));

describe.each(engines)("on %s", (engine) => {
  const builds = amounts[engine];
  let server: RestServer;
  let database: Database;
  let client: pg.Client;
  let asked: { sql: string; bindings: unknown[] }[] = [];
  beforeAll(async () => {
    const url = await newDatabaseUrl(engine);
    database = await openTestDatabase(url);
    await upgradeDatabase(database);
    const some = { builds, detailed: 2000, pending: 100 };
    if (engine === "postgresql") {
      await fillPostgres(url, some);
      client = new pg.Client({ connectionString: url });
      await client.connect();
      onCleanup(() => client.end());
    } else await fillSqlite(database, some);
    await execute(database, "update builders set name_hash = ? where id = 7", [hashColumns("builder-7")]);
    server = await startRestServer(database);
    (database.sql as unknown as { on(event: "query", listener: (query: (typeof asked)[number]) => void): void }).on(
      "query",
      ({ sql, bindings }) => void asked.push({ sql, bindings }),
    );
  }, 600_000);

  it.each([
    ...heavyReads(builds).map(({ path }) => path),
    "builders/builder-7/builds/6",
    "changes/1000/builds",
    "buildrequests?order=-buildrequestid&limit=50",
    "builders/7/buildrequests?order=-buildrequestid&limit=50",
    "builders/7/builds?complete=true&order=-buildid&limit=20",
  ])(`%s is read by indexes at ${builds} builds`, async (path) => {
    asked = [];
    const answer = await server.get(`/api/v2/${path}`);
    expect(answer.status).toBe(200);
    const selects = asked.filter(({ sql }) => sql.startsWith("select"));
    expect(selects.length).toBeGreaterThan(0);
    for (const { sql, bindings } of selects) {
      // A total is counted only as far as it is shown.
      if (sql.startsWith("select count(*) as n from (select 1")) continue;
      const bad = engine === "postgresql" ? await badNodes(sql, bindings) : await badLines(sql, bindings);
      expect(bad, sql).toEqual([]);
    }
  });

  async function badNodes(sql: string, bindings: unknown[]): Promise<Plan[]> {
    const { rows } = await client.query(`explain (format json) ${sql}`, bindings);
    const [{ Plan: plan }] = rows[0]["QUERY PLAN"] as [{ Plan: Plan }];
    return nodes(plan).filter(
      (node) =>
        (node["Node Type"].endsWith("Seq Scan") && large.has(node["Relation Name"] ?? "")) ||
        (node["Node Type"] === "Sort" && node["Plan Rows"] > builds / 10),
    );
  }

  /** What SQLite sorts it has read as a whole: of a table that grows no more than one thing's rows, or those that are open. */
  async function badLines(sql: string, bindings: unknown[]): Promise<string[]> {
    const rows = await queryRows<{ parent: number; detail: string }>(database, `explain query plan ${sql}`, bindings);
    const lines = rows.filter(({ parent }) => parent === 0).map(({ detail }) => detail);
    if (!lines.includes("USE TEMP B-TREE FOR ORDER BY")) return [];
    const aliases = [...sql.matchAll(/(?:from|join) (\w+) (\w+)/g)].filter(([, table]) => large.has(table as string));
    return lines.filter(
      (line) => aliases.some(([, , alias]) => new RegExp(`^(SCAN|SEARCH) ${alias}\\b`).test(line)) && !small.test(line),
    );
  }
});

/** Indexes of what is open, and of what belongs to one thing. */
const small =
  /INTEGER PRIMARY KEY|mm_running_builds|mm_open_requests|mm_pending_requests|mm_builds_completed \(complete_at=|buildrequests_complete|number=|buildrequestid=|buildsetid=|brid=/;

interface Plan {
  readonly "Node Type": string;
  readonly "Relation Name"?: string;
  readonly "Plan Rows": number;
  readonly Plans?: readonly Plan[];
}

const nodes = (plan: Plan): Plan[] => [plan, ...(plan.Plans ?? []).flatMap(nodes)];
