import { spawnSync } from "node:child_process";
import { chmodSync, chownSync } from "node:fs";
import { join } from "node:path";
import pg from "pg";
import { findPostgres } from "../setup.mjs";
import { onCleanup } from "./cleanup.ts";
import { freePort } from "./ports.ts";
import { isAlive, listChildren, runProcess, sendSignal, startProcess, type TestProcess } from "./processes.ts";
import { temporaryDirectory } from "./temporary-directory.ts";
import { waitFor } from "./wait-for.ts";

export interface PostgresOptions {
  /** Server settings, as `-c name=value`. */
  settings?: Record<string, string | number>;
  /** Makes a copy of this server that follows it, read-only until it is promoted. */
  standbyOf?: Pick<TestPostgres, "url">;
}

/** A real PostgreSQL server of the test's own, on 127.0.0.1. */
export interface TestPostgres {
  /** Superuser URL of the database "postgres". */
  readonly url: string;
  readonly port: number;
  /** The directory of its data. */
  readonly data: string;
  /** A new database, empty or a copy of the one of this name; returns its URL. */
  createDatabase(template?: string): Promise<string>;
  /** Runs SQL in the database "postgres", or in the one whose URL is given; returns the rows. */
  psql<Row extends pg.QueryResultRow = pg.QueryResultRow>(sql: string, databaseUrl?: string): Promise<Row[]>;
  /** "fast" disconnects everybody and writes all down; "immediate" crashes and recovers from its log. */
  restart(mode: "fast" | "immediate"): Promise<void>;
  /** SIGKILL to the server's first process; its data stay. */
  kill(): Promise<void>;
  /** Starts it again on the same port with the same data. */
  start(): Promise<void>;
  /** Stops all of its processes (SIGSTOP): connections stay open and nothing answers. */
  freeze(): void;
  thaw(): void;
  /** Ends it "fast"; `start()` brings it back, the end of the test file removes its data. */
  stop(): Promise<void>;
}

/**
 * Environment variable with the directory of a server's data that every server of a run starts as a copy of; see
 * keep-postgres.ts. It has a database `schemaDatabase`. Outside a run of vitest, each server makes its own.
 */
export const preparedData = "MULTIMASTER_TEST_POSTGRES_DATA";

/** The database with the whole schema, which no one opens: others are copies of it. */
export const schemaDatabase = "with_schema";

let shared: Promise<TestPostgres> | undefined;

/** One server per test file, started by the first who asks and ended after the file; take a database of your own. */
export function sharedPostgres(): Promise<TestPostgres> {
  if (!shared) {
    onCleanup(() => {
      shared = undefined;
    });
    shared = startPostgres();
  }
  return shared;
}

export async function startPostgres(options: PostgresOptions = {}): Promise<TestPostgres> {
  const programs = findPostgres();
  if (!programs) throw new Error("PostgreSQL is not set up: run `node test/setup.mjs` first");
  const owner = findOwner();
  const directory = temporaryDirectory("postgres");
  chmodSync(directory, 0o700);
  if (owner) chownSync(directory, owner.uid, owner.gid);
  const data = join(directory, "data");
  const { standbyOf: primary } = options;
  const prepared = process.env[preparedData];
  const [name, args] = primary
    ? ["pg_basebackup", ["-D", data, "-d", primary.url, "-R", "-X", "stream", "--checkpoint=fast", "--no-sync"]]
    : ["initdb", ["-D", data, "-A", "trust", "-U", "postgres", "--no-sync", "-E", "UTF8", "--locale=C"]];
  if (prepared && !primary) await runProcess({ name: "cp", command: "cp", args: ["-a", prepared, data] });
  else await runProcess({ name, command: join(programs, name), args, cwd: directory, ...owner });

  const port = await freePort();
  const url = `postgresql://postgres@127.0.0.1:${port}/postgres`;
  let server: TestProcess | undefined;
  let databases = 0;
  let frozen: number[] = [];

  async function start(): Promise<void> {
    if (server && !server.exit()) return;
    const settings = {
      listen_addresses: "127.0.0.1",
      port,
      unix_socket_directories: directory,
      max_connections: 300,
      // Tests end processes, and never the machine: what a process has written survives it without being forced to disk.
      fsync: "off",
      full_page_writes: "off",
      ...options.settings,
    };
    const started = await startProcess({
      name: "postgres",
      command: join(programs as string, "postgres"),
      args: ["-D", data, ...Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`])],
      cwd: directory,
      // SIGINT is "fast": it does not wait for clients to leave, as SIGTERM would.
      stopSignal: "SIGINT",
      ...owner,
    });
    server = started;
    await waitFor(
      async () => {
        if (started.exit()) return "ended";
        await query(url, "select 1");
        return "ready";
      },
      { what: "PostgreSQL to accept connections", timeoutMs: 60_000 },
    );
    if (started.exit()) throw new Error(`PostgreSQL ended at its start:\n${started.output()}`);
  }

  function running(): TestProcess {
    if (!server || server.exit()) throw new Error("this PostgreSQL server is not running: call start() first");
    return server;
  }

  const postgres: TestPostgres = {
    url,
    port,
    data,
    async createDatabase(template = "template1") {
      const name = `test_${++databases}`;
      await query(url, `create database ${name} template ${template}`);
      return `postgresql://postgres@127.0.0.1:${port}/${name}`;
    },
    psql: (sql, databaseUrl) => query(databaseUrl ?? url, sql),
    async restart(mode) {
      const old = running();
      old.signal(mode === "fast" ? "SIGINT" : "SIGQUIT");
      await old.waitForExit();
      await start();
    },
    async kill() {
      const children = listChildren(running().pid);
      await running().kill();
      // Its children notice by themselves; until then they hold the shared memory and a new server refuses to start.
      await waitFor(() => !children.some(isAlive), { what: "PostgreSQL's processes to end" });
    },
    start,
    freeze() {
      const { pid } = running();
      sendSignal(pid, "SIGSTOP");
      // Its first process starts no more children now: the list is complete.
      const children = listChildren(pid);
      for (const child of children) sendSignal(child, "SIGSTOP");
      frozen = [pid, ...children];
    },
    thaw() {
      for (const pid of frozen) sendSignal(pid, "SIGCONT");
      frozen = [];
    },
    async stop() {
      postgres.thaw();
      await server?.stop();
    },
  };
  await start();
  // Runs before the server is stopped: a frozen child would hold the stop up.
  onCleanup(() => postgres.thaw());
  return postgres;
}

/** PostgreSQL refuses to run as root: then it gets an unprivileged user of this machine. */
function findOwner(): { uid: number; gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  for (const user of ["postgres", "nobody"]) {
    const [uid, gid] = ["-u", "-g"].map((option) =>
      Number.parseInt(spawnSync("id", [option, user], { encoding: "utf8" }).stdout, 10),
    );
    if (uid && gid) return { uid, gid };
  }
  throw new Error("PostgreSQL does not run as root, and this machine has neither a user postgres nor a user nobody");
}

async function query<Row extends pg.QueryResultRow>(url: string, sql: string): Promise<Row[]> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5_000 });
  // If the server is killed under the query, the query itself reports it.
  client.on("error", () => {});
  await client.connect();
  try {
    const result = (await client.query<Row>(sql)) as pg.QueryResult<Row> | pg.QueryResult<Row>[];
    return (Array.isArray(result) ? result.at(-1)?.rows : result.rows) ?? [];
  } finally {
    await client.end();
  }
}
