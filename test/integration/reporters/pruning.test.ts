import {
  endAttempts,
  execute,
  findDueReports,
  noteTarget,
  pruneReports,
  queryRows,
  readPause,
  replaceReporters,
  reviveReport,
  writeMemory,
} from "@multimaster/database";
import { describe, expect, it } from "vitest";
import { startMasters } from "../../harness/masters-with-data.ts";
import { engines } from "../../harness/test-databases.ts";

const push = { name: "push", type: "http-push", kinds: ["build-ended"] };
const day = 86_400;

describe.each(engines)("what reporters leave on %s", (engine) => {
  it("is forgotten: events that no reporter wants, reports of reporters that are gone, and old memories", async () => {
    const { database } = await startMasters(engine);
    const { dialect } = database;
    const configure = (all: (typeof push)[]) => database.transaction((tx) => replaceReporters(tx, all));
    const read = (sql: string) => queryRows(database, sql).then((rows) => rows.map((row) => Object.values(row)[0]));
    const reporterid = (await configure([push])).get("push") as number;
    for (const kind of ["build-ended", "worker-missing"])
      await execute(
        database,
        `insert into mm_outbox (at, kind, objectid, facts, owed) values (${dialect.now}, ?, 1, '{}', 1)`,
        [kind],
      );
    await configure([push]);
    expect(await read("select kind from mm_outbox where owed = 1")).toEqual(["build-ended"]);

    for (const [outboxid, ago] of [
      [1, 40 * day],
      [2, day],
    ])
      await execute(
        database,
        `insert into mm_reports (reporterid, outboxid, kind, objectid, facts, happened_at, context, about, final, state)
         values (?, ?, 'build-ended', 1, '{}', ${dialect.now} - ${ago}, 'c', 'web #1', 1, 'owed')`,
        [reporterid, outboxid],
      );
    await pruneReports(database);
    expect(await read("select outboxid from mm_reports order by id")).toEqual([1, 2]);
    await configure([]);
    await pruneReports(database);
    expect(await read("select outboxid from mm_reports order by id")).toEqual([2]);
    expect(await read("select kind from mm_outbox where owed = 1")).toEqual([]);

    for (const context of ["a", "c", "d"]) await writeMemory(database, reporterid, context, "1");
    await execute(database, "update mm_report_memory set at = 1 where context in ('a', 'c')");
    await writeMemory(database, reporterid, "b", "1");
    expect(await read("select context from mm_report_memory order by context")).toEqual(["a", "b", "d"]);
    await writeMemory(database, reporterid, "a", "2");
    expect(await read("select value from mm_report_memory order by context")).toEqual(["2", "1", "1"]);
  });

  it("a report that is retried waits for nothing: neither for itself nor for its reporter's target", async () => {
    const { database } = await startMasters(engine);
    const reporterid = (await database.transaction((tx) => replaceReporters(tx, [push]))).get("push") as number;
    const [row] = await queryRows<{ id: number }>(
      database,
      `insert into mm_reports (reporterid, outboxid, kind, objectid, facts, happened_at, context, about, final, state, next_at)
       values (?, 1, 'build-ended', 1, '{}', 1, 'c', 'web #1', 1, 'dead', 99999999999) returning id`,
      [reporterid],
    );
    await noteTarget(database, reporterid, { problem: "away", pauseS: 3600, sent: 0 });
    expect(await reviveReport(database, row?.id as number)).toBe(reporterid);
    expect(await readPause(database, reporterid)).toBe(0);
    expect(await findDueReports(database, reporterid, 9)).toMatchObject([{ id: row?.id }]);
    await database.transaction((tx) => endAttempts(tx, reporterid, new Map([[row?.id as number, { kind: "sent" }]])));
    expect(await reviveReport(database, row?.id as number)).toBeUndefined();
  });
});
