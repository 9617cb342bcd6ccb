import { readFileSync } from "node:fs";
import { silentLog } from "@multimaster/core";
import { beforeAll, describe, expect, it } from "vitest";
import { explainFailure } from "../../../roles/master/explain-failure.ts";
import { openClusterDatabase } from "../../../roles/master/open-cluster.ts";
import { onCleanup } from "../../harness/cleanup.ts";
import { join } from "../../harness/members.ts";
import { sharedPostgres, type TestPostgres } from "../../harness/postgres.ts";

let postgres: TestPostgres;
beforeAll(async () => {
  postgres = await sharedPostgres();
  await postgres.psql("create role ci login");
});

async function open(url: string): Promise<void> {
  const shared = { database: url, databaseConnections: 2, lease: 10_000 } as Parameters<typeof openClusterDatabase>[0];
  const database = await openClusterDatabase(shared, silentLog);
  onCleanup(() => database.close());
  await join(database);
}

/** What an operator reads, and the exit code, when a master starts with this database as the user "ci". */
async function start(url: string): Promise<string> {
  const own = new URL(url);
  own.username = "ci";
  try {
    await open(own.toString());
    return "started";
  } catch (error) {
    const explained = explainFailure(error);
    return explained ? `${explained.exitCode}: ${explained.message}` : `unexpected: ${String(error)}`;
  }
}

describe("a master that starts with a database user", () => {
  it("who may not make tables, or not write them, says which privilege is missing", async () => {
    const url = await postgres.createDatabase();
    expect(await start(url)).toMatch(
      /^3: The database cannot be used: its user lacks a privilege \(permission denied for schema public\)\./,
    );
    await open(url);
    expect(await start(url)).toMatch(/^3: .*lacks a privilege \(permission denied for (schema public|table \w+)\)/);
    await postgres.psql("grant select on all tables in schema public to ci", url);
    expect(await start(url)).toMatch(
      /^3: .*lacks a privilege \((usage on sequence|delete on table) \w+ and \d+ more\)/,
    );
  });

  it("who may read and write rows, and use sequences, starts", async () => {
    const url = await postgres.createDatabase();
    await open(url);
    // As docs/database.md shows it.
    const page = readFileSync(new URL("../../../docs/database.md", import.meta.url), "utf8");
    const grants = /```sql\n(.*?)```/s.exec(page)?.[1] ?? "";
    expect(grants).toContain("grant select");
    await postgres.psql(grants, url);
    expect(await start(url)).toBe("started");
    // Each by itself, though nothing that a start does needs it.
    for (const what of ["insert on table builds", "delete on table mm_outbox", "usage on sequence steps_id_seq"]) {
      await postgres.psql(`revoke ${what} from ci`, url);
      expect(await start(url)).toMatch(new RegExp(`^3: .*lacks a privilege \\(${what}\\)`));
      await postgres.psql(`grant ${what} to ci`, url);
    }
    await postgres.psql("revoke update on table changes, steps, logs from ci", url);
    expect(await start(url)).toMatch(/^3: .*lacks a privilege \(update on table changes and 2 more\)/);
  });

  it("a user who may read nothing does not see an empty database", async () => {
    const url = await postgres.createDatabase();
    await open(url);
    expect(await start(url)).toMatch(/^3: .*lacks a privilege \(permission denied for table alembic_version\)/);
  });

  it("of a server that is read-only, or that lets none in, says so", async () => {
    const url = await postgres.createDatabase();
    const name = new URL(url).pathname.slice(1);
    await open(url);
    await postgres.psql(
      "grant all on all tables in schema public to ci; grant all on all sequences in schema public to ci",
      url,
    );
    await postgres.psql(`alter database ${name} set default_transaction_read_only = on`);
    expect(await start(url)).toMatch(/^3: The database cannot be used: it is read-only \(cannot execute/);
    await postgres.psql(`alter database ${name} reset default_transaction_read_only`);
    await postgres.psql(`alter database ${name} connection limit 0`);
    expect(await start(url)).toMatch(/^3: The database .* cannot be reached: too many connections for database/);
  });
});
