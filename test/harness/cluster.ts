import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { startBuildbotWorker, type TestBuildbotWorker } from "./buildbot-worker.ts";
import { type CrossbarOptions, startCrossbar, type TestCrossbar } from "./crossbar.ts";
import { createGitRepository, type TestGitRepository } from "./git-repository.ts";
import { readLedger } from "./ledger.ts";
import { type MasterOptions, startMaster, type TestMaster } from "./master.ts";
import { startOwnWorker } from "./own-worker.ts";
import { startPostgres, type TestPostgres } from "./postgres.ts";
import { type RouterRealm, takeRealm } from "./router-realm.ts";
import { temporaryDirectory } from "./temporary-directory.ts";
import { waitFor } from "./wait-for.ts";

/** Config files of the repository and of the tests, by path. */
export function configFile(path: string): string {
  return fileURLToPath(new URL(`../../${path}`, import.meta.url));
}

/** The real parts of a distributed cluster, and the environment that names them to its masters. */
export interface TestCluster {
  readonly postgres: TestPostgres;
  readonly database: string;
  /** Where its masters meet; absent when the cluster was asked for without a router. */
  readonly router: RouterRealm | undefined;
  /** Its own router; throws for a cluster that was not asked for with one (`router: "own"`). */
  readonly crossbar: TestCrossbar;
  readonly repository: TestGitRepository;
  /** What really ran, seen from outside: the file to which steps of the ledger config append, and its "begin job 1", "end job 1". */
  readonly ledger: { readonly path: string; lines(): string[] };
  /** Lets builds of the ledger config go on whose work is `waitForGate`. */
  openGate(): void;
  /** Environment that the configs under configs/ and test/cluster/configs/ read. */
  readonly env: Record<string, string>;
  master(options: Omit<MasterOptions, "config"> & { config?: string }): Promise<TestMaster>;
  /** Real buildbot-workers attached to an engine; resolves when the engine shows them all as connected. */
  workers(engine: TestMaster, ui: TestMaster, names: readonly string[]): Promise<TestBuildbotWorker[]>;
  /** The same with the project's own worker program. */
  ownWorkers(engine: TestMaster, ui: TestMaster, names: readonly string[]): Promise<void>;
  /** Rows of the cluster's database. */
  rows<Row extends Record<string, unknown>>(sql: string): Promise<Row[]>;
}

export interface TestClusterOptions {
  config: string;
  /** Default: a realm of the router that all test files share. "own" and options start one that a test may stop. */
  router?: boolean | "own" | CrossbarOptions;
  env?: Record<string, string>;
}

const password = "secret of the workers";

/** Work of a build of the ledger config that lasts until the test opens the gate, however slow the machine is. */
export const waitForGate = "wait for the gate";

/** Starts PostgreSQL, takes a realm at crossbar.io, and makes a git repository with a Makefile; masters and workers are then added. */
export async function startCluster({
  config,
  router = true,
  env: more = {},
}: TestClusterOptions): Promise<TestCluster> {
  const postgres = await startPostgres();
  const database = await postgres.createDatabase();
  const crossbar = typeof router === "boolean" ? undefined : await startCrossbar(router === "own" ? {} : router);
  const realm = router === true ? await takeRealm() : crossbar;
  const repository = createGitRepository({
    files: { Makefile: "all:\n\t@echo compiled\ntest:\n\t@echo tested $$(git rev-parse HEAD)\n" },
  });
  const outside = temporaryDirectory("outside");
  const ledgerPath = join(outside, "ledger");
  const gate = join(outside, "gate");
  const env: Record<string, string> = {
    DATABASE_URL: database,
    WAMP_ROUTER: realm?.url ?? "",
    ...(realm && { WAMP_REALM: realm.realm }),
    ...(typeof router === "object" && router.hardened && crossbar ? { WAMP_TICKET: crossbar.tickets.master } : {}),
    REPOSITORY: repository.url,
    WORKER_PASSWORD: password,
    WORKER_HOST: "127.0.0.1",
    WORKER_PORT: "0",
    UI_PORT: "0",
    LEASE: "4s",
    POLL_INTERVAL: "1s",
    TREE_STABLE: "1s",
    LEDGER: ledgerPath,
    GATE: gate,
    ...more,
  };
  return {
    postgres,
    database,
    router: realm,
    get crossbar() {
      if (!crossbar) throw new Error('this cluster has no router of its own: start it with router: "own"');
      return crossbar;
    },
    repository,
    ledger: { path: ledgerPath, lines: () => readLedger(ledgerPath).map(({ what }) => what) },
    openGate: () => writeFileSync(gate, ""),
    env,
    master: (options) => startMaster({ config: configFile(config), ...options, env: { ...env, ...options.env } }),
    async workers(engine, ui, names) {
      const port = await engine.workerPort();
      const started = await Promise.all(names.map((name) => startBuildbotWorker({ port, name, password })));
      await waitForWorkers(ui, names);
      return started;
    },
    async ownWorkers(engine, ui, names) {
      const port = await engine.workerPort();
      await Promise.all(names.map((name) => startOwnWorker({ port, name, password })));
      await waitForWorkers(ui, names);
    },
    rows: (sql) => postgres.psql(sql, database) as never,
  };
}

/** Waits until the cluster shows all these workers as connected. */
export async function waitForWorkers(ui: TestMaster, names: readonly string[]): Promise<void> {
  await waitFor(
    async () => {
      const { body } = await ui.api<{ workers: { name: string; connected_to: unknown[] }[] }>("workers");
      const connected = body.workers.filter((worker) => worker.connected_to.length > 0).map(({ name }) => name);
      return names.every((name) => connected.includes(name));
    },
    { what: `the workers ${names.join(", ")} to be connected`, timeoutMs: 60_000 },
  );
}
