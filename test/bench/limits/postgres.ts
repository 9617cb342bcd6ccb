import { join } from "node:path";
import pg from "pg";
import type { TestPostgres } from "../../harness/postgres.ts";
import { runProcess } from "../../harness/processes.ts";
import { findPostgres } from "../../setup.mjs";
import { batch, claimants } from "./batches.ts";

/** Transactions per second of pgbench's own kind (three updates, a select, an insert), without its hottest rows. */
export async function bareCommits(postgres: TestPostgres, clients: number, seconds: number): Promise<number> {
  const database = await postgres.createDatabase();
  const run = (args: readonly string[]) =>
    runProcess({ name: "pgbench", command: join(findPostgres() ?? "", "pgbench"), args: [...args, database] });
  await run(["--initialize", "--quiet", "--scale=4"]);
  const { stdout } = await run(["--skip-some-updates", `--client=${clients}`, `--time=${seconds}`]);
  return Number(/tps = ([\d.]+)/.exec(stdout)?.[1]);
}

/** Claims per second out of a bare queue, with as many connections and as large batches as masters claim. */
export async function bareClaims(postgres: TestPostgres, count: number): Promise<number> {
  const database = await postgres.createDatabase();
  await postgres.psql(
    `create table queue (id int primary key, owner int);
     insert into queue select n, null from generate_series(1, ${count}) n;
     create index waiting on queue (id) where owner is null;
     analyze queue`,
    database,
  );
  const begin = performance.now();
  await Promise.all(Array.from({ length: claimants }, (_, owner) => claimAll(database, owner)));
  return count / ((performance.now() - begin) / 1000);
}

async function claimAll(database: string, owner: number): Promise<void> {
  await withClient(database, async (client) => {
    for (let claimed = 1; claimed > 0; ) {
      const { rowCount } = await client.query(
        `update queue set owner = $1 where id in
           (select id from queue where owner is null order by id limit ${batch} for update skip locked)`,
        [owner],
      );
      claimed = rowCount ?? 0;
    }
  });
}

/** Megabytes per second of text in rows of the size of log chunks. */
export async function bareInserts(postgres: TestPostgres, megabytes: number): Promise<number> {
  const database = await postgres.createDatabase();
  return withClient(database, async (client) => {
    await client.query("create table chunks (id serial primary key, content bytea)");
    const chunk = Buffer.alloc(65_536, "text of a log line\n");
    const begin = performance.now();
    for (let sent = 0; sent < megabytes * 1_000_000; sent += chunk.length)
      await client.query("insert into chunks (content) values ($1)", [chunk]);
    return megabytes / ((performance.now() - begin) / 1000);
  });
}

async function withClient<T>(database: string, use: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: database });
  await client.connect();
  try {
    return await use(client);
  } finally {
    await client.end();
  }
}
