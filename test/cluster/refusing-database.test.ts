import { setTimeout as sleep } from "node:timers/promises";
import { expect, it } from "vitest";
import { findViolations } from "../harness/checks.ts";
import { startCluster, type TestCluster } from "../harness/cluster.ts";
import { isLong } from "../harness/long-form.ts";
import { waitFor } from "../harness/wait-for.ts";

const config = "test/cluster/configs/ledger/cluster.ts";

interface Refusal {
  /** What an operator, a failover or a disk does, as SQL. */
  begin: readonly string[];
  end: readonly string[];
  /** The answer to users meanwhile; none if what they ask for is taken. */
  told?: RegExp;
  /** It takes other writes, so the engine whose builds cannot be written is what has failed. */
  isPartial?: boolean;
}

/** What the masters are logged in as; the test is the superuser. */
const reload = "select pg_reload_conf()";
const cut = "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'ci' and pid <> pg_backend_pid()";

const refusals: Record<string, Refusal> = {
  "read-only, as after a failover": {
    begin: ["alter system set default_transaction_read_only = on", reload],
    end: ["alter system reset default_transaction_read_only", reload],
    told: /refuses: it is read-only/,
  },
  "out of reach for its user": {
    begin: ["alter role ci nologin", cut],
    end: ["alter role ci login"],
    told: /refuses the login|does not answer/,
  },
  "short of time for a statement": {
    begin: ["alter role ci set statement_timeout = '1ms'", cut],
    end: ["alter role ci reset statement_timeout", cut],
    told: /a statement took longer|does not answer/,
  },
  "without the grants": {
    begin: [
      "alter table builds owner to postgres",
      "alter table buildrequests owner to postgres",
      "alter table steps owner to postgres",
    ],
    end: ["alter table builds owner to ci", "alter table buildrequests owner to ci", "alter table steps owner to ci"],
    told: /its user lacks a privilege/,
  },
  "frozen in one table": {
    begin: [
      "create function frozen() returns trigger language plpgsql as $$ begin raise 'frozen for maintenance'; end $$",
      "create trigger frozen before update on steps execute function frozen()",
    ],
    end: ["drop trigger frozen on steps"],
    isPartial: true,
  },
};

/** Longer than writes that fail for a reason of their own are tried. */
const lastsMs = 14_000;
const chosen = isLong ? Object.keys(refusals) : ["read-only, as after a failover"];

async function runSql(cluster: TestCluster, statements: readonly string[]): Promise<void> {
  const database = new URL(cluster.database);
  database.username = "postgres";
  for (const statement of statements) await cluster.postgres.psql(statement, database.toString());
}

it.each(chosen)("PostgreSQL %s costs no build and no request, and every user gets the reason", async (name) => {
  const { begin, end, told, isPartial } = refusals[name] as Refusal;
  const cluster = await startCluster({ config, env: { POLL: "no", WORK: "sleep 3" } });
  const database = new URL(cluster.database);
  await cluster.postgres.psql(`create role ci login; alter database ${database.pathname.slice(1)} owner to ci`);
  await cluster.postgres.psql("grant all on schema public to ci", cluster.database);
  database.username = "ci";
  const env = { DATABASE_URL: database.toString() };
  const front = await cluster.master({ roles: ["ui", "scheduler"], name: "front", env });
  const engine = await cluster.master({ roles: ["builder-engine"], name: "engine", env });
  await Promise.all([front, engine].map((master) => master.waitReady()));
  await cluster.ownWorkers(engine, front, ["w1", "w2"]);
  const force = (reason: string) => front.apiPost("forceschedulers/force", "force", { builderNames: ["job"], reason });
  for (let i = 0; i < 4; i++) expect((await force(String(i))).status).toBe(200);
  await waitFor(() => cluster.ledger.lines().length >= 2, { what: "builds to run" });

  await runSql(cluster, begin);
  await sleep(1000);
  if (told) {
    const refused = await force("meanwhile");
    expect(refused.status).toBe(503);
    expect(JSON.stringify(refused.body)).toMatch(told);
  }
  await sleep(lastsMs);
  if (isPartial)
    await waitFor(
      async () => {
        const { body } = await front.api<{ cluster: { state: string; problems: { sentence?: string }[] }[] }>(
          "cluster",
        );
        return /builds/.test(JSON.stringify(body)) && body.cluster[0]?.state === "degraded";
      },
      { what: "the cluster to say that builds cannot be written", timeoutMs: 60_000 },
    );
  await runSql(cluster, end);

  await waitFor(async () => (await cluster.rows("select 1 from buildrequests where complete = 1")).length === 4, {
    what: "all requests to be complete",
    timeoutMs: 60_000,
  });
  expect(await cluster.rows("select results from builds")).toEqual([0, 0, 0, 0].map((results) => ({ results })));
  expect(await cluster.rows("select 1 from steps where complete_at is null")).toEqual([]);
  expect(await findViolations(cluster)).toEqual([]);
  for (const master of [front, engine]) expect(master.process.exit()).toBeUndefined();
});
