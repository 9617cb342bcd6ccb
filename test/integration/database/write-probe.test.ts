import { createBus } from "@multimaster/bus";
import { createWriteProbe } from "@multimaster/cluster";
import { silentLog, systemClock } from "@multimaster/core";
import { createData } from "@multimaster/data";
import { type Database, execute, openDatabase, queryRows, upgradeDatabase } from "@multimaster/database";
import { describe, expect, it } from "vitest";
import { describeHealth } from "../../../roles/master/describe-health.ts";
import { onCleanup } from "../../harness/cleanup.ts";
import { join } from "../../harness/members.ts";
import { sharedPostgres } from "../../harness/postgres.ts";
import { type Engine, engines, newDatabaseUrl } from "../../harness/test-databases.ts";
import { waitFor } from "../../harness/wait-for.ts";

async function pages(database: Database): Promise<number> {
  const [row] = await queryRows<{ page_count: number }>(database, "pragma page_count");
  return row?.page_count as number;
}

/** Makes the database take nothing new, and take it again. */
const refusals: Record<
  Engine,
  { reason: RegExp; begin(database: Database): Promise<void>; end(database: Database): Promise<void> }
> = {
  sqlite: {
    reason: /its disk is full/,
    async begin(database) {
      await database.sql.run("vacuum");
      await queryRows(database, `pragma max_page_count = ${await pages(database)}`);
    },
    end: async (database) => void (await queryRows(database, "pragma max_page_count = 1000000")),
  },
  postgresql: {
    reason: /it is read-only/,
    async begin() {
      const postgres = await sharedPostgres();
      await postgres.psql("alter system set default_transaction_read_only = on");
      await postgres.psql("select pg_reload_conf()");
    },
    async end() {
      const postgres = await sharedPostgres();
      await postgres.psql("alter system reset default_transaction_read_only");
      await postgres.psql("select pg_reload_conf()");
    },
  },
};

describe.each(engines)("a database that takes no writes on %s", (engine) => {
  it("is reported by the state of the cluster, by /health and by /ready, and so is its end", async () => {
    const database = await openDatabase(await newDatabaseUrl(engine), { log: silentLog });
    onCleanup(() => database.close());
    await upgradeDatabase(database);
    const { lease } = await join(database);
    const probe = createWriteProbe({ database, lease, clock: systemClock, log: silentLog, everyMs: 500 });
    const bus = createBus({ kind: "in-process" }, silentLog);
    const data = createData({ database, bus, lease, writes: probe, log: silentLog, clock: systemClock });
    await probe.start();
    onCleanup(() => probe.stop());
    const cluster = async () => {
      const answer = await data.rest.get(["cluster"], new URLSearchParams());
      return (answer.kind === "envelope" ? answer.items[0] : undefined) as {
        state: string;
        problems: { kind: string; sentence: string }[];
      };
    };
    const kinds = async () => (await cluster()).problems.map(({ kind }) => kind);
    expect(probe.ready?.()).toBe(true);
    expect(await kinds()).not.toContain("database_refuses");

    const { reason, begin, end } = refusals[engine];
    await begin(database);
    await waitFor(() => probe.refusal, { what: "the refusal to be noticed" });
    expect(probe.ready?.()).toMatch(reason);
    expect(await cluster()).toMatchObject({ state: "degraded" });
    expect((await cluster()).problems[0]).toMatchObject({
      kind: "database_refuses",
      sentence: expect.stringMatching(reason),
    });
    expect(describeHealth("m", data)).toMatchObject({
      status: "degraded",
      database: { takesWrites: false, reason: expect.stringMatching(reason) },
    });

    await end(database);
    await waitFor(() => probe.refusal === undefined, { what: "the end of it to be noticed" });
    expect(probe.ready?.()).toBe(true);
    expect(await kinds()).not.toContain("database_refuses");
    expect(describeHealth("m", data)).toEqual({ status: "ok", master: "m", bus: expect.anything() });
    expect(await queryRows(database, "select * from mm_write_probes")).toEqual([]);
  });
});

it("PostgreSQL is asked for new space on its disk, not only for room in the pages it has", async () => {
  const url = await newDatabaseUrl("postgresql");
  const database = await openDatabase(url, { log: silentLog });
  onCleanup(() => database.close());
  await database.transaction(async (tx) => {
    const plan: string[] = [];
    for (const statement of tx.dialect.spaceProbe) {
      if (statement.startsWith("set")) await execute(tx, statement);
      else
        plan.push(
          ...(await queryRows<{ "QUERY PLAN": string }>(tx, `explain (analyze, buffers) ${statement}`)).map(
            (row) => row["QUERY PLAN"],
          ),
        );
    }
    expect(plan.join("\n")).toMatch(/temp read=\d+ written=\d\d/);
  });
});
