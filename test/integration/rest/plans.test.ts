import { dryRunRetention, type RetentionPlan } from "@multimaster/data";
import {
  type Database,
  deleteBuilds,
  endAttempts,
  execute,
  expireArtifacts,
  findBuildWithArtifacts,
  findDueReports,
  findLongWaits,
  findOwedEvents,
  findReportedBuilds,
  handOut,
  hashColumns,
  isBeingRebuilt,
  isReportedBuild,
  lockUnneededBuilds,
  openRequestsAfter,
  openRequestsAmong,
  openRequestsClaimedBy,
  oweMissedEnds,
  queryRows,
  readStepInterest,
  requestsBehind,
  takeRemovable,
  unplacedAfter,
  upgradeDatabase,
} from "@multimaster/database";
import { noteEnds, releaseEverythingOf } from "@multimaster/lifecycle";
import pg from "pg";
import { beforeAll, describe, expect, it } from "vitest";
import { onCleanup } from "../../harness/cleanup.ts";
import { fillPostgres, fillSqlite } from "../../harness/fill-many-builds.ts";
import { heavyReads } from "../../harness/heavy-reads.ts";
import { isLong } from "../../harness/long-form.ts";
import { growing } from "../../harness/many-builds.ts";
import { nodesOf, type PlanNode, rowsRead } from "../../harness/read-plans.ts";
import { type RestServer, startRestServer } from "../../harness/rest-server.ts";
import { type Engine, engines, newDatabaseUrl, openTestDatabase } from "../../harness/test-databases.ts";

// What the pages ask for, by its plans; at ten million builds and by what is really read: test/cluster/many-builds.test.ts.
const amounts: Record<Engine, number> = {
  postgresql: isLong ? 2_000_000 : 200_000,
  sqlite: isLong ? 1_000_000 : 20_000,
};
/** Rows that a page of at most a thousand is made of: as many as at ten million builds. */
const maxRead = 20_000;

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
    const some =
      engine === "postgresql" ? { builds, detailed: 20_000, pending: 2000 } : { builds, detailed: 2000, pending: 100 };
    if (engine === "postgresql") {
      await fillPostgres(url, some);
      client = new pg.Client({ connectionString: url });
      await client.connect();
      onCleanup(() => client.end());
    } else await fillSqlite(database, some);
    await execute(database, "update builders set name_hash = ? where id = 7", [hashColumns("builder-7")]);
    server = await startRestServer(database);
    database.watch(({ sql, bindings }) => asked.push({ sql, bindings: [...bindings] }));
  }, 600_000);

  it.each([
    ...heavyReads(builds).map(({ path }) => path),
    "builders/builder-7/builds/6",
    "changes/1000/builds",
    "changes/1000/builds?order=-buildid&limit=500",
    "changes?revision=revision-7&order=-changeid&limit=50",
    "buildrequests?order=-buildrequestid&limit=50",
    "builders/7/buildrequests?order=-buildrequestid&limit=50",
    "builders/7/builds?complete=true&order=-buildid&limit=20",
  ])(`%s is read by indexes at ${builds} builds`, async (path) => {
    asked = [];
    const answer = await server.get(`/api/v2/${path}`);
    expect(answer.status).toBe(200);
    const selects = asked.filter(({ sql }) => sql.startsWith("select"));
    expect(selects.length).toBeGreaterThan(0);
    await expectBounded(selects);
  });

  it(`the newest sets of test results are found without reading all of them at ${builds} builds`, async () => {
    asked = [];
    expect((await server.get("/api/v2/tests/failing?limit=1")).status).toBe(200);
    const newest = asked.filter(({ sql }) => sql.includes("from builders bu") && !sql.includes("join builders bu"));
    expect(newest).toHaveLength(1);
    await expectBounded(newest, new Set(["test_result_sets"]));
  });

  it(`a master is evicted without reading its history at ${builds} builds`, async () => {
    asked = [];
    class Undo extends Error {}
    const evicted = database.transaction(async (tx) => {
      const outcomes = await releaseEverythingOf(tx, { masterid: 3, name: "engine-3" }, "death");
      expect(outcomes.released.request.length).toBeGreaterThan(10);
      throw new Undo();
    });
    await expect(evicted).rejects.toThrow(Undo);
    await expectBounded(asked.filter(({ sql }) => /^(select|delete|update)/.test(sql)));
  });

  it(`a hundred builds that ended are noted without reading the history at ${builds} builds`, async () => {
    const ended = await queryRows<{ id: number }>(
      database,
      "select id from builds where results in (0, 2) and id not in (select buildid from mm_line_builds) order by id desc limit 100",
    );
    asked = [];
    class Undo extends Error {}
    const noted = database.transaction(async (tx) => {
      await noteEnds(
        tx,
        ended.map(({ id }) => id),
      );
      const [{ n } = { n: 0 }] = await queryRows<{ n: number }>(
        tx,
        "select count(*) as n from mm_line_builds where buildid >= ?",
        [ended.at(-1)?.id],
      );
      // Others are of revisions that stand nowhere.
      expect(Number(n)).toBeGreaterThan(0);
      throw new Undo();
    });
    await expect(noted).rejects.toThrow(Undo);
    await expectBounded(asked.filter(({ sql }) => /^(select|with|delete|update)/.test(sql)));
  });

  it(`builds that no one noted are found without reading the history at ${builds} builds`, async () => {
    const [{ newest } = { newest: 0 }] = await queryRows<{ newest: number }>(
      database,
      "select max(complete_at) as newest from builds",
    );
    asked = [];
    expect(await unplacedAfter(database, { complete_at: newest - 300, id: 0 }, 250)).not.toEqual([]);
    await expectBounded(asked);
  });

  it(`an engine finds its open requests without reading its history at ${builds} builds`, async () => {
    asked = [];
    expect((await openRequestsClaimedBy(database, 3)).length).toBeGreaterThan(10);
    await expectBounded(asked);
  });

  it(`claims without a build are looked for in as many rows, whatever waits, at ${builds} builds`, async () => {
    const open = await openRequestsClaimedBy(database, 3);
    asked = [];
    expect(await openRequestsAmong(database, 3, [...open.slice(0, 20), 1, 2])).toEqual(open.slice(0, 20));
    const limit = 50;
    const first = (await openRequestsAfter(database, 3, { after: 0, limit })).last as number;
    expect((await openRequestsAfter(database, 3, { after: first, limit })).last).toBeGreaterThan(first);
    const statements = [...asked];
    await expectBounded(statements);
    if (engine === "postgresql")
      for (const { sql, bindings } of statements) expect(await countReads(sql, bindings), sql).toBeLessThan(10 * limit);
    // Not all requests behind one, whatever has become of them.
    else
      for (const { sql, bindings } of statements.slice(1))
        expect(await queryRows(database, `explain query plan ${sql}`, [...bindings])).toContainEqual(
          expect.objectContaining({
            detail: expect.stringMatching(/^SEARCH r USING .*INDEX (mm_open_requests|buildrequests_complete) /),
          }),
        );
  });

  it(`what reporters read of an event does not grow with ${builds} builds`, async () => {
    const newest = await queryRows<{ id: number }>(
      database,
      "select id from builds where complete_at is not null order by id desc limit 20",
    );
    const buildids = newest.map(({ id }) => id);
    const requests = await queryRows<{ id: number; buildsetid: number }>(
      database,
      "select id, buildsetid from buildrequests where complete = 0 order by id limit 20",
    );
    const buildsetids = [...new Set(requests.map(({ buildsetid }) => buildsetid))];
    asked = [];
    const { reports } = server.data.updates;
    const read = [...(await reports.readBuilds(buildids)).values()];
    expect(read).toHaveLength(20);
    expect(read.some(({ previous }) => previous !== null)).toBe(true);
    expect((await reports.readBuildsets(buildsetids)).size).toBe(buildsetids.length);
    expect((await reports.readRequests(requests.map(({ id }) => id))).size).toBe(20);
    expect((await findLongWaits(database, 0)).length).toBeGreaterThan(0);
    for (const buildid of buildids.slice(0, 3)) {
      await reports.readDetails(buildid);
      await isBeingRebuilt(database, buildid);
    }
    await findReportedBuilds(database, "github-checks", "own/project@abc");
    await isReportedBuild(database, "github-checks", { buildid: 1, target: "own/project@abc" });
    await readStepInterest(database);
    await findOwedEvents(database, 200);
    await findDueReports(database, 1, 4);
    expect(asked.length).toBeGreaterThan(20);
    await expectBounded(asked);
  });

  it(`what follows, and what has missed its end, is found without reading what was sent, nor ${builds} builds`, async () => {
    const sent = engine === "postgresql" ? 50_000 : 10_000;
    // Of as many builds: each was announced, and has ended; of a hundred of them no one has reported the end.
    const insert = (kind: string, final: number, place: string, which: string) =>
      execute(
        database,
        `insert into mm_reports (reporterid, outboxid, kind, objectid, facts, happened_at, context, about, final, state, ended_at)
           select 1, b.id * 2 + ${place}, '${kind}', b.id, '{}', b.complete_at, 'context-' || b.id, 'web', ${final}, 'sent', b.complete_at
             from (select * from builds where complete_at is not null order by id desc limit ${sent}) b where ${which}`,
      );
    await execute(
      database,
      "insert into mm_reporters (id, name, type, configured) values (1, 'forge', 'http-push', 1)",
    );
    const isMissed = `b.id % ${sent / 100} = 0`;
    await insert("build-started", 1, "0", `not (${isMissed})`);
    await insert("build-started", 0, "0", isMissed);
    await insert("build-ended", 1, "1", `not (${isMissed})`);
    if (engine === "postgresql") await client.query("vacuum analyze mm_reports");
    const some = await queryRows<{ id: number; context: string }>(
      database,
      "select id, context from mm_reports where kind = 'build-ended' order by id desc limit 200",
    );
    for (const { id, context } of some)
      await execute(database, "update mm_reports set context = ? where id = ?", [hashColumns(context), id]);
    const handed = [...some.map(({ context }) => context), "unknown"].map((context, i) => {
      const event = { id: 1_000_000_000 + i, at: 1, kind: "build-ended", objectid: i, facts: "{}", about: "web" };
      return { event, report: { reporterid: 1, event, context, about: "web", final: true, follows: true } };
    });
    const ended = new Map(some.map(({ id }) => [id, { kind: "sent" } as const]));
    const countOwed = "select cast(count(*) as integer) as n from mm_reports where reporterid = 1 and state = 'owed'";
    asked = [];
    class Undo extends Error {}
    const done = database.transaction(async (tx) => {
      await handOut(
        tx,
        handed.map(({ event }) => event),
        handed.map(({ report }) => report),
        new Map(),
      );
      // All but what follows nothing.
      expect(await queryRows(tx, countOwed)).toEqual([{ n: some.length }]);
      await endAttempts(tx, 1, ended);
      expect(await oweMissedEnds(tx, 1)).toBe(100);
      throw new Undo();
    });
    await expect(done).rejects.toThrow(Undo);
    const statements = asked.filter(({ sql }) => sql !== countOwed && /^(select|delete|update)/.test(sql));
    expect(statements.length).toBeGreaterThan(3);
    await expectBounded(statements, new Set([...large, "mm_reports"]));
    for (const { sql, bindings } of statements) {
      if (engine === "postgresql") {
        expect(await countReads(sql, bindings), sql).toBeLessThan(5000);
        continue;
      }
      const lines = await queryRows<{ detail: string }>(database, `explain query plan ${sql}`, bindings);
      expect(
        lines.filter(({ detail }) =>
          /^(SCAN|SEARCH) (r|l|u|mm_reports)\b(?!.*(context=|objectid=|[ (]id=|PRIMARY KEY|mm_reports_(announced|once)))/.test(
            detail,
          ),
        ),
        sql,
      ).toEqual([]);
    }
  });

  it(`what is due of artifacts is found without reading those that are kept, nor ${builds} builds`, async () => {
    const kept = engine === "postgresql" ? 50_000 : 10_000;
    await execute(
      database,
      `insert into mm_artifacts (buildid, builderid, stepid, masterid, uploadid, name, object_key, from_fork, size, sha256, state,
           created_at, cache_scope, used_at)
         select b.id, b.builderid, 1, 1, 'u' || b.id, 'app', 'key-' || b.id, 0, 1, 'x', 'complete', b.complete_at,
                case when b.id % 1000 = 0 then 'scope' end, b.complete_at
           from (select * from builds where complete_at is not null order by id desc limit ${kept}) b`,
    );
    if (engine === "postgresql") await client.query("vacuum analyze mm_artifacts");
    const [{ newest } = { newest: 0 }] = await queryRows<{ newest: number }>(
      database,
      "select max(complete_at) as newest from builds",
    );
    const bounds = { keepForSeconds: 1e9, keepBuilds: 1, cacheUnusedSeconds: 1e9, cacheBytes: 1e15 };
    asked = [];
    class Undo extends Error {}
    const expired = database.transaction(async (tx) => {
      expect((await expireArtifacts(tx, bounds, newest - 60)).expired).toBeGreaterThan(0);
      await takeRemovable(tx);
      for (const name of ["app", "no such", undefined])
        await findBuildWithArtifacts(tx, { builder: "builder-7", name, results: [0] });
      throw new Undo();
    });
    await expect(expired).rejects.toThrow(Undo);
    const statements = asked.filter(({ sql }) => /^(select|with|update)/.test(sql));
    await expectBounded(statements, new Set([...large, "mm_artifacts"]));
    if (engine === "postgresql") return;
    for (const { sql, bindings } of statements) {
      const lines = await queryRows<{ detail: string }>(database, `explain query plan ${sql}`, bindings);
      expect(
        lines.filter(({ detail }) => scansKept.test(detail)),
        sql,
      ).toEqual([]);
    }
  });

  it(`retention finds what is old without reading what is newer at ${builds} builds`, async () => {
    // The builders that have a tenth of all builds, and one with a few.
    const rule = { olderThan: (builds - builds / 40) * 9000, builders: ["builder-1", "builder-7"] };
    const rules: RetentionPlan["rules"] = [
      { ...rule, name: "builds", delete: "builds" },
      { ...rule, name: "newest", delete: "builds", olderThan: undefined, beyondNewest: builds / 20 },
      { ...rule, name: "logs", delete: "logs" },
      { ...rule, name: "tests", delete: "test results" },
      { name: "changes", delete: "changes", olderThan: rule.olderThan },
      { name: "audit", delete: "audit trail", olderThan: rule.olderThan },
    ];
    asked = [];
    const plan = { rules, youngest: 1, keepLastSuccess: true, schedulers: ["scheduler-1"] };
    const { rules: found } = await dryRunRetention(database, plan);
    expect(found.map(({ rule: name, total }) => [name, total.builds > 0])).toEqual([
      ["builds", true],
      ["newest", true],
    ]);
    await expectBounded([...new Map(asked.map((each) => [each.sql, each])).values()]);
  });

  it(`retention deletes by id, reading nothing else of ${builds} builds`, async () => {
    const old = await queryRows<{ id: number }>(
      database,
      "select id from builds where complete_at is not null order by id limit 20",
    );
    asked = [];
    class Undo extends Error {}
    const deleted = database.transaction(async (tx) => {
      const unneeded = await lockUnneededBuilds(
        tx,
        old.map(({ id }) => id),
      );
      expect((await deleteBuilds(tx, unneeded)).requests).toBeGreaterThan(0);
      throw new Undo();
    });
    await expect(deleted).rejects.toThrow(Undo);
    const statements = asked.filter(({ sql }) => /^(select|delete)/.test(sql));
    await expectBounded(statements);
    if (engine === "postgresql") return;
    for (const { sql, bindings } of statements) {
      const lines = await queryRows<{ parent: number; detail: string }>(
        database,
        `explain query plan ${sql}`,
        bindings,
      );
      const first = lines.filter(({ parent, detail }) => parent === 0 && /^(SCAN|SEARCH) [brs]\b/.test(detail));
      expect(
        first.filter(({ detail }) => !small.test(detail)),
        sql,
      ).toEqual([]);
    }
  });

  it(`requests behind others are read from there on, however many wait, at ${builds} builds`, async () => {
    const waiting = engine === "postgresql" ? 50_000 : 5000;
    const first = 1_000_000_000;
    const numbers =
      engine === "postgresql"
        ? `generate_series(1, ${waiting}) as n`
        : `(with recursive c(n) as (select 1 union all select n + 1 from c where n < ${waiting}) select n from c) as n`;
    await execute(
      database,
      `insert into buildrequests (id, buildsetid, builderid, priority, complete, results, submitted_at, waited_for)
         select ${first} + n, 1, 1 + n % 2, n % 3, 0, -1, n, 0 from ${numbers}`,
    );
    if (engine === "postgresql") await client.query("vacuum analyze buildrequests");
    const each = 100;
    const ranks = [1, 2].map((builderid) => {
      const n = waiting / 2 + builderid - 1;
      return { builderid, buildrequestid: first + n, priority: n % 3, submittedAt: n };
    });
    asked = [];
    const behind = await requestsBehind(database, ranks, each);
    for (const { builderid } of ranks)
      expect(behind.filter((request) => request.builderid === builderid)).toHaveLength(each);
    const statements = [...asked];
    await expectBounded(statements);
    for (const { sql, bindings } of statements)
      if (engine === "postgresql") expect(await countReads(sql, bindings), sql).toBeLessThan(10 * ranks.length * each);
      else {
        const lines = await queryRows<{ detail: string }>(database, `explain query plan ${sql}`, bindings);
        const read = lines.filter(({ detail }) => /^(SCAN|SEARCH) r\b/.test(detail));
        expect(read).toHaveLength(2 * ranks.length);
        for (const { detail } of read)
          expect(detail).toMatch(/mm_pending_requests \(builderid=\? AND (priority<\?|priority=\? AND submitted_at>)/);
        expect(lines.map(({ detail }) => detail)).not.toContainEqual(expect.stringMatching(/TEMP B-TREE FOR ORDER BY/));
      }
  });

  async function expectBounded(statements: typeof asked, tables: ReadonlySet<string> = large): Promise<void> {
    for (const { sql, bindings } of [...statements]) {
      // A total is counted as far as it is shown.
      if (sql.startsWith("select count(*) as n from (select 1")) continue;
      const bad = engine === "postgresql" ? await badNodes(sql, bindings, tables) : await badLines(sql, bindings);
      expect(bad, sql).toEqual([]);
    }
  }

  /** Rows that a statement reads. */
  async function countReads(sql: string, bindings: unknown[]): Promise<number> {
    const { rows } = await client.query(`explain (analyze, timing off, format json) ${sql}`, bindings);
    const [{ Plan: plan }] = rows[0]["QUERY PLAN"] as [{ Plan: PlanNode }];
    return rowsRead({ "Query Text": sql, Plan: plan });
  }

  /** Of its plan at first, and of the one when it has come often: the server may then have planned it for any values. */
  async function badNodes(sql: string, bindings: unknown[], tables: ReadonlySet<string>): Promise<string[]> {
    const explain = "explain (analyze, timing off, format json)";
    const bad: string[] = [];
    await client.query("begin");
    try {
      bad.push(...judge("at first", tables, await client.query(`${explain} ${sql}`, bindings)));
      if (bindings.length > 0) {
        const execute = `execute often (${bindings.map(literal).join(", ")})`;
        await client.query(`prepare often as ${sql}; ${`explain ${execute};`.repeat(plansForValues)}`);
        bad.push(...judge("later", tables, await client.query(`${explain} ${execute}`)));
      }
    } finally {
      await client.query("rollback; deallocate all");
    }
    return bad;
  }

  function judge(kind: string, tables: ReadonlySet<string>, { rows }: pg.QueryResult): string[] {
    const [{ Plan: plan }] = rows[0]["QUERY PLAN"] as [{ Plan: PlanNode & Planned }];
    const bad = (nodesOf(plan) as (PlanNode & Planned)[])
      .filter(
        (node) =>
          (node["Node Type"].endsWith("Seq Scan") && tables.has(node["Relation Name"] ?? "")) ||
          (node["Node Type"] === "Sort" && node["Plan Rows"] > builds / 10),
      )
      .map((node) => `${node["Node Type"]} ${node["Relation Name"] ?? ""}`);
    const read = rowsRead({ "Query Text": "", Plan: plan });
    return [...bad, ...(read > maxRead ? [`${read} rows read`] : [])].map((what) => `${kind}: ${what}`);
  }

  /** What SQLite sorts it has read as a whole: of a table that grows no more than one thing's rows, or those that are open. */
  async function badLines(sql: string, bindings: unknown[]): Promise<string[]> {
    const rows = await queryRows<{ parent: number; detail: string }>(database, `explain query plan ${sql}`, bindings);
    const histories = rows.map(({ detail }) => detail).filter((detail) => ofMaster.test(detail));
    if (histories.length > 0) return histories;
    const lines = rows.filter(({ parent }) => parent === 0).map(({ detail }) => detail);
    if (!lines.includes("USE TEMP B-TREE FOR ORDER BY")) return [];
    const aliases = [...sql.matchAll(/(?:from|join) (\w+) (\w+)/g)].filter(([, table]) => large.has(table as string));
    return lines.filter(
      (line) => aliases.some(([, , alias]) => new RegExp(`^(SCAN|SEARCH) ${alias}\\b`).test(line)) && !small.test(line),
    );
  }
});

/** Reads of all artifacts in SQLite's plans, but of what is not settled and of caches. */
const scansKept = /^SCAN (a|o|mm_artifacts)\b(?!.*(mm_artifacts_unsettled|mm_artifacts_caches_used))/;

/** Indexes of what a master ever had, in SQLite's plans. */
const ofMaster = /\b(ix_buildrequest_claims_masterid|builds_masterid)\b/;

/** Indexes of what is open, and of what belongs to one thing. */
const small =
  /INTEGER PRIMARY KEY|mm_running_builds|mm_open_requests|mm_pending_requests|mm_builds_completed \(complete_at=|buildrequests_complete|number=|buildrequestid=|buildsetid=|brid=|revision=/;

interface Planned {
  readonly "Plan Rows": number;
}

/** So often PostgreSQL plans a prepared statement for the values it comes with, before it considers a plan for any values. */
const plansForValues = 5;

/** A value as SQL. */
function literal(value: unknown): string {
  if (Array.isArray(value)) return pg.escapeLiteral(`{${value.map((each) => JSON.stringify(each)).join(",")}}`);
  return value === null ? "null" : pg.escapeLiteral(String(value));
}
