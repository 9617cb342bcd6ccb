import { Results } from "@multimaster/core";
import {
  answerUnasked,
  type Database,
  endAttempts,
  execute,
  findDueReports,
  findUnasked,
  handOut,
  nextReportIn,
  orderReports,
  queryRows,
  replaceReporters,
} from "@multimaster/database";
import httpPush from "@multimaster/plugins/reporters/http-push";
import { describe, expect, it } from "vitest";
import { runningBuild, startMasters } from "../../harness/masters-with-data.ts";
import { type PlanNode, rowsRead } from "../../harness/read-plans.ts";
import { startReportTarget } from "../../harness/report-target.ts";
import { startSchedulerCluster } from "../../harness/scheduler-masters.ts";
import { engines } from "../../harness/test-databases.ts";
import { waitFor } from "../../harness/wait-for.ts";

const kinds = ["build-ended"];
const success = { results: Results.SUCCESS, state: "fine" };

async function configure(database: Database, names: readonly string[]): Promise<number[]> {
  const all = names.map((name) => ({ name, type: "http-push", kinds }));
  const ids = await database.transaction((tx) => replaceReporters(tx, all));
  return names.map((name) => ids.get(name) as number);
}

const event = (id: number) => ({ id, at: 1, kind: "build-ended", objectid: id, facts: "{}", about: `web #${id}` });

/** Hands out events to one reporter, each in its context. */
function give(database: Database, reporterid: number, given: readonly (readonly [id: number, context: string])[]) {
  const reports = given.map(([id, context]) => ({
    reporterid,
    event: event(id),
    context,
    about: `web #${id}`,
    final: true,
  }));
  const events = given.map(([id]) => event(id));
  return database.transaction((tx) => handOut(tx, events, reports, new Map([[reporterid, kinds]])));
}

describe.each(engines)("events on %s", (engine) => {
  it("reach a reporter that the master which hands them out does not know", async () => {
    const cluster = await startSchedulerCluster(engine);
    const [before, fresh] = [await startReportTarget(), await startReportTarget()];
    const push = (name: string, url: string) => httpPush({ name, url, events: ["build-ended"], format: "cloudevents" });
    const older = await cluster.add({ reporters: [push("before", before.url)] });
    await older.start();
    await waitFor(async () => (await cluster.rows("select reporterid from mm_reporter_masters")).length === 2, {
      what: "the claims of the older config",
    });
    const newer = await cluster.add({ reporters: [push("before", before.url), push("fresh", fresh.url)] });
    await newer.start();
    const idle = await cluster.add({});
    const builder = { lease: idle.lease, updates: idle.data.updates, database: undefined as never };
    const builds: number[] = [];
    for (let i = 0; i < 3; i++) {
      const { buildid } = await runningBuild(builder);
      await builder.updates.builds.finish(buildid, success);
      builds.push(buildid);
    }
    await waitFor(() => before.calls.length === 3 && fresh.calls.length === 3, {
      what: "three reports at each target",
    });
    expect(fresh.calls.map(({ body }) => body.data.buildid).toSorted()).toEqual(builds);
    const holders = await cluster.rows<{ name: string; masterid: number }>(
      "select r.name, m.masterid from mm_reporter_masters m join mm_reporters r on r.id = m.reporterid",
    );
    expect(holders.find(({ name }) => name === " hand-out")?.masterid).toBe(older.lease.masterid);
  });

  it("wait for a reporter that was not asked, before what comes later, and go with a reporter that is removed", async () => {
    const { database } = await startMasters(engine);
    const [known = 0, unknown = 0] = await configure(database, ["known", "unknown"]);
    expect(await give(database, known, [[1, "a"]])).toEqual([known, unknown]);
    await database.transaction((tx) =>
      handOut(
        tx,
        [event(2)],
        [{ reporterid: unknown, event: event(2), context: "a", about: "web #2", final: true }],
        new Map([[unknown, kinds]]),
      ),
    );
    const [late] = await findUnasked(database, unknown, kinds, 9);
    expect(late).toMatchObject({ objectid: 1 });
    await database.transaction((tx) =>
      answerUnasked(tx, unknown, new Map([[late?.id as number, { context: "a", final: true }]])),
    );
    expect(await findDueReports(database, unknown, 9)).toMatchObject([{ objectid: 1, hasLater: true }]);
    await give(database, known, [[3, "a"]]);
    expect(await findUnasked(database, unknown, kinds, 9)).toHaveLength(1);
    await configure(database, ["known"]);
    expect(await findUnasked(database, unknown, kinds, 9)).toEqual([]);
  });

  it("become due one after the other in each context, however reports end and whichever master wrote them", async () => {
    const { database } = await startMasters(engine);
    const [reporter = 0] = await configure(database, ["push"]);
    await give(database, reporter, [
      [1, "a"],
      [2, "a"],
      [3, "b"],
    ]);
    await give(database, reporter, [[4, "a"]]);
    const due = async () => (await findDueReports(database, reporter, 9)).map(({ objectid }) => objectid);
    const end = async (objectid: number, kind: "sent" | "overtaken") => {
      const [row] = await queryRows<{ id: number }>(database, "select id from mm_reports where objectid = ?", [
        objectid,
      ]);
      await database.transaction((tx) => endAttempts(tx, reporter, new Map([[row?.id as number, { kind }]])));
    };
    expect(await due()).toEqual([1, 3]);
    await end(1, "sent");
    expect(await due()).toEqual([2, 3]);
    await end(2, "overtaken");
    await end(3, "sent");
    expect(await due()).toEqual([4]);
    // As a master of an earlier release, or one that died, may leave them.
    await give(database, reporter, [[5, "a"]]);
    await execute(database, "update mm_reports set is_first = 1 - is_first");
    await database.transaction((tx) => orderReports(tx, reporter));
    expect(await due()).toEqual([4]);
    await end(4, "sent");
    expect(await due()).toEqual([5]);
  });

  it("are found without reading those that wait behind others", async () => {
    const { database } = await startMasters(engine);
    const [reporter = 0] = await configure(database, ["push"]);
    const many = 3000;
    await give(
      database,
      reporter,
      Array.from({ length: many }, (_, i) => [i + 1, "blocked"] as const),
    );
    await give(database, reporter, [[many + 1, "free"]]);
    const [head] = await findDueReports(database, reporter, 1);
    const failed = { kind: "failed", problem: "no", unsure: false, retryS: 3600, counts: true } as const;
    await database.transaction((tx) => endAttempts(tx, reporter, new Map([[head?.id as number, failed]])));
    // Others wait for their next attempts.
    await give(
      database,
      reporter,
      Array.from({ length: 500 }, (_, i) => [many + 2 + i, `waits ${i}`] as const),
    );
    await execute(database, "update mm_reports set next_at = 9999999999 where objectid > ?", [many + 1]);
    const statements: { sql: string; bindings: readonly unknown[] }[] = [];
    const stop = database.watch(({ sql, bindings }) => void statements.push({ sql, bindings: [...bindings] }));
    expect(await findDueReports(database, reporter, 9)).toMatchObject([{ objectid: many + 1 }]);
    expect(await nextReportIn(database, reporter)).toBeGreaterThan(3000);
    stop();
    for (const { sql, bindings } of statements) {
      if (engine === "postgresql") {
        await execute(database, "analyze mm_reports");
        const [row] = await queryRows<Record<string, [{ Plan: PlanNode }]>>(
          database,
          `explain (analyze, format json) ${sql.replaceAll(/\$\d+/g, "?")}`,
          [...bindings] as never[],
        );
        const [plan] = Object.values(row ?? {})[0] as [{ Plan: PlanNode }];
        expect(rowsRead({ "Query Text": sql, Plan: plan.Plan })).toBeLessThan(30);
      } else {
        const plan = await queryRows<{ detail: string }>(database, `explain query plan ${sql}`, [
          ...bindings,
        ] as never[]);
        const details = plan
          .map(({ detail }) => detail)
          .filter((detail) => /^(SEARCH|SCAN) (r|e|l|mm_reports) /.test(detail));
        expect(details.every((detail) => /mm_reports_(due|states) /.test(detail))).toBe(true);
        expect(details).not.toEqual([]);
      }
    }
    expect(statements).toHaveLength(2);
  });
});
