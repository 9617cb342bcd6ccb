import { defineLock } from "@multimaster/config";
import { explainRequests } from "@multimaster/data";
import { type Database, queryRows } from "@multimaster/database";
import shell from "@multimaster/plugins/steps/shell";
import pg from "pg";
import { expect, it } from "vitest";
import { insertRequests } from "../../bench/fill-database.ts";
import { onCleanup } from "../../harness/cleanup.ts";
import { type Engine, startEngine } from "../../harness/engine.ts";
import { join } from "../../harness/members.ts";
import { nodesOf, type PlanNode, rowsRead } from "../../harness/read-plans.ts";
import { newDatabaseUrl, openTestDatabase } from "../../harness/test-databases.ts";
import { updatesOf } from "../../harness/updates-of.ts";
import { waitFor } from "../../harness/wait-for.ts";

// What an engine reads, and what is shown, while many requests wait. How long it takes: `npm run bench -- pending locked by-locked`.
const lockedBuilders = Array.from({ length: 20 }, (_, i) => `locked-${i}`);
const freeBuilders = Array.from({ length: 20 }, (_, i) => `free-${i}`);
const lockOf = (builder: string) => `lock-${Number(builder.split("-")[1]) % 4}`;
/** Several times as many as one statement may read. */
const count = 12_000;
/** Requests that are explained together. */
const pageSize = 100;
/** Rows that one statement may read, whatever waits. */
const mostRows = 2500;

interface Statement {
  readonly sql: string;
  readonly bindings: unknown[];
}

/** An engine of 40 builders: half need locks that another engine has, the worker of the others is busy. */
async function startWithQueue() {
  const url = await newDatabaseUrl("postgresql");
  const start = () =>
    startEngine(
      {
        holder: [shell({ command: "true" })],
        probe: [shell({ command: "true" })],
        busy: [shell({ command: "sleep 600" })],
        ...Object.fromEntries([...lockedBuilders, ...freeBuilders].map((name) => [name, [shell({ command: "true" })]])),
      },
      {
        url,
        workers: { workers: ["w1", "w2"].map((name) => ({ name, local: true, maxBuilds: 1 })) },
        moreOf: Object.fromEntries([
          ...lockedBuilders.map((name) => [name, { locks: [defineLock({ name: lockOf(name) }).exclusive()] }]),
          ...["busy", ...freeBuilders].map((name) => [name, { workers: ["w2"] }]),
        ]),
      },
    );
  await (await start()).stop();
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  onCleanup(() => client.end());
  const psql = async <Row>(sql: string) => (await client.query(sql)).rows as Row[];
  await takeLocks(await openTestDatabase(url), psql);
  await insertRequests({ psql } as never, url, count, "%-%");
  await client.query("analyze");
  const engine = await start();
  await engine.submit("busy", { priority: 10 });
  await waitFor(async () => (await engine.running()) === 1 && (await psql("select 1 from mm_lock_waits")).length > 0, {
    what: "a busy worker, and requests that wait for locks",
  });
  return { engine, client };
}

/** The locks are of a request that another, living engine has claimed. */
async function takeLocks(database: Database, psql: (sql: string) => Promise<{ id: number }[]>): Promise<void> {
  await insertRequests({ psql } as never, "", 1, "holder");
  const { lease } = await join(database, { name: "other", leaseMs: 3_600_000 });
  const [holder] = await psql("select id from buildrequests");
  const uses = [...new Set(lockedBuilders.map(lockOf))].map((name) => {
    return { name, workerid: 0, max: 1, exclusive: true, count: 1, resources: [], keepMs: 600_000 };
  });
  await updatesOf(database, lease).locks.claim([{ buildrequestid: holder?.id ?? 0, uses }]);
}

it(`with ${count} requests that wait, an engine and a page read no more than with a few, and each says what it waits for`, async () => {
  const { engine, client } = await startWithQueue();

  const ofPoll = await watch(engine, async () => {
    const [build] = await engine.finished(await engine.submit("probe"));
    expect(build?.results).toBe(0);
  });
  expect(ofPoll.length).toBeLessThan(400);
  const costs = await costsOf(client, ofPoll);
  expect(costs.filter(({ sql }) => sql.includes("lateral")).length).toBeGreaterThan(0);
  expect(costs.filter(({ rows, scans }) => rows > mostRows || scans.length > 0)).toEqual([]);

  const requests = await queryRows<{ id: number; name: string }>(
    engine.database,
    `select r.id, b.name from buildrequests r join builders b on b.id = r.builderid
        where b.name like '%-%' and r.complete = 0 order by r.id`,
  );
  expect(requests).toHaveLength(count);
  const wrong: string[] = [];
  for (let from = 0; from < count; from += pageSize) {
    const page = requests.slice(from, from + pageSize);
    let reasons: Awaited<ReturnType<typeof explainRequests>> = new Map();
    const asked = await watch(engine, async () => {
      const ids = page.map(({ id }) => id);
      reasons = await explainRequests(engine.database, ids);
    });
    for (const { id, name } of page) {
      const sentences = (reasons.get(id) ?? []).map(({ sentence }) => sentence).join(" ");
      const wanted = lockedBuilders.includes(name)
        ? `lock ${lockOf(name)} is held by holder`
        : "w2 is busy with busy #1";
      if (!sentences.includes(wanted)) wrong.push(`${name}: ${sentences}`);
    }
    if (from > 0) continue;
    expect(asked.length).toBeLessThan(25);
    const ofPage = await costsOf(client, asked);
    expect(ofPage.filter(({ rows }) => rows > mostRows)).toEqual([]);
  }
  expect(wrong.slice(0, 3)).toEqual([]);
});

/** The statements that are sent while something is done. */
async function watch({ database }: Engine, act: () => Promise<void>): Promise<Statement[]> {
  const asked: Statement[] = [];
  const unwatch = database.watch(({ sql, bindings }) => asked.push({ sql, bindings: [...bindings] }));
  await act();
  unwatch();
  return asked;
}

/** Tables with a row for each request that waits. */
const growing = new Set(["buildrequests", "buildsets", "buildset_properties", "buildset_sourcestamps"]);

/** What the server reads for each of these statements, run again and undone. */
async function costsOf(client: pg.Client, statements: readonly Statement[]) {
  const costs: { sql: string; rows: number; scans: string[] }[] = [];
  const distinct = new Map(statements.map((one) => [`${one.sql} ${JSON.stringify(one.bindings)}`, one]));
  for (const { sql, bindings } of distinct.values()) {
    if (!/^\s*(select|with)/.test(sql) || /insert into|delete from|update \w+ set/.test(sql)) continue;
    await client.query("begin");
    const { rows } = await client.query(`explain (analyze, timing off, format json) ${sql}`, bindings);
    await client.query("rollback");
    const [{ Plan: plan }] = rows[0]["QUERY PLAN"] as [{ Plan: PlanNode }];
    const scans = nodesOf(plan)
      .filter((node) => node["Node Type"].endsWith("Seq Scan") && growing.has(node["Relation Name"] ?? ""))
      .map((node) => `${node["Node Type"]} ${node["Relation Name"]}`);
    costs.push({ sql, rows: rowsRead({ "Query Text": sql, Plan: plan }), scans });
  }
  return costs;
}
