import { execute, queryRows } from "@multimaster/database";
import { expect, it } from "vitest";
import { startMasters } from "../../harness/masters-with-data.ts";
import { type PlanNode, rowsRead } from "../../harness/read-plans.ts";
import { startRestServer } from "../../harness/rest-server.ts";
import { engines } from "../../harness/test-databases.ts";

const reporters = 20;
const numbers = (n: number) =>
  `(with recursive s(n) as (select 1 union all select n + 1 from s where n < ${n}) select n from s)`;

it.each(engines)(
  "reporters are listed on %s without reading what they have sent, or what one of them owes",
  async (engine) => {
    const { database } = await startMasters(engine);
    await execute(
      database,
      `insert into mm_reporters (name, type, configured) select 'r' || n, 'http-push', 1 from ${numbers(reporters)} t`,
    );
    let last = 0;
    const add = async (count: number, reporterid: string, state: string, problem: string | null = null) => {
      await execute(
        database,
        `insert into mm_reports (reporterid, outboxid, kind, objectid, facts, happened_at, context, about, final, state, problem, next_at, ended_at)
         select ${reporterid}, ${last} + n, 'build-ended', n, '{}', ${last} + n, 'c' || (${last} + n), 'web', 1, ?, ?, ?, ?
           from ${numbers(count)} t`,
        [state, problem, state === "owed" && problem !== null ? 9_999_999_999 : 0, state === "owed" ? null : 1],
      );
      last += count;
    };
    const [sent, owed] = [20_000, 4000];
    await add(sent, `1 + n % ${reporters}`, "sent");
    await add(50, "2", "dead", "no");
    await add(owed, "1", "owed");
    const oldest = last + 1;
    await add(20, "3", "owed");
    await add(20, "3", "owed", "refused");
    if (engine === "postgresql") await execute(database, "vacuum analyze mm_reports");
    const rest = await startRestServer(database);
    const asked: { sql: string; bindings: readonly unknown[] }[] = [];
    const stop = database.watch(({ sql, bindings }) => void asked.push({ sql, bindings: [...bindings] }));
    const { body } = await rest.get("/api/v2/reporters?order=reporterid");
    stop();
    expect(body.reporters.slice(0, 4)).toMatchObject([
      { owed, dead: 0, report_problem: null },
      { owed: 0, dead: 50, owed_since: null },
      { owed: 40, owed_since: oldest, report_problem: "refused", next_at: 9_999_999_999 },
      { owed: 0, dead: 0 },
    ]);
    const statements = asked.filter(({ sql }) => sql.includes("mm_reports"));
    expect(statements).not.toEqual([]);
    for (const { sql, bindings } of statements)
      if (engine === "postgresql") {
        const explain = `explain (analyze, format json) ${sql.replaceAll(/\$\d+/g, "?")}`;
        const [row] = await queryRows<Record<string, [{ Plan: PlanNode }]>>(database, explain, [
          ...bindings,
        ] as never[]);
        const [{ Plan }] = Object.values(row ?? {})[0] as [{ Plan: PlanNode }];
        // What is owed is counted.
        expect(rowsRead({ "Query Text": sql, Plan }), sql).toBeLessThan(owed + 1000);
      } else {
        const plan = await queryRows<{ detail: string }>(database, `explain query plan ${sql}`, [
          ...bindings,
        ] as never[]);
        const found = plan.flatMap(({ detail }) => /^(?:SEARCH|SCAN) x (.*)/.exec(detail)?.[1] ?? []);
        const indexes = found.map((use) => / mm_reports_(\w+) /.exec(use)?.[1] ?? use);
        // How many are in both states; the oldest that is owed; when and why the next attempt is.
        expect(indexes.toSorted()).toEqual(["dead_by_id", "due", "due", "owed_by_id", "owed_by_id"]);
      }
  },
);
