import { copyFileSync, cpSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { freePorts } from "../../harness/ports.ts";
import type { TestPostgres } from "../../harness/postgres.ts";
import { runProcess, startProcess } from "../../harness/processes.ts";
import { temporaryDirectory } from "../../harness/temporary-directory.ts";
import { waitFor } from "../../harness/wait-for.ts";
import { setUpOnDemand } from "../../setup.mjs";
import { requestsTo, type Side, type StartOptions, type System, scene, workerPassword } from "./side.ts";

const config = fileURLToPath(new URL("buildbot/master.cfg", import.meta.url));

/** A real Buildbot master, always one process, with the same scene. */
export class Buildbot implements Side {
  readonly name = "buildbot";
  readonly title = "Buildbot 4.3.0";
  readonly postgres: TestPostgres;
  #program: string;
  #made: Promise<{ readonly template: string; readonly directory: string }> | undefined;

  /** Installs Buildbot if it is missing; throws a sentence if it cannot be had. */
  constructor(postgres: TestPostgres) {
    this.postgres = postgres;
    this.#program = join(setUpOnDemand("buildbot"), "bin", "buildbot");
  }

  async newDatabase(): Promise<string> {
    return this.postgres.createDatabase((await this.#make()).template);
  }

  /** A master's directory and a database with its tables, made once and copied for each start. */
  #make(): Promise<{ readonly template: string; readonly directory: string }> {
    this.#made ??= this.#createMaster();
    return this.#made;
  }

  async #createMaster(): Promise<{ template: string; directory: string }> {
    const database = await this.postgres.createDatabase();
    const directory = join(temporaryDirectory("buildbot"), "master");
    await runProcess({
      name: "buildbot create-master",
      command: this.#program,
      args: ["create-master", "--relocatable", `--db=${urlForPython(database)}`, directory],
    });
    copyFileSync(config, join(directory, "master.cfg"));
    return { template: new URL(database).pathname.slice(1), directory };
  }

  async start(options: StartOptions = {}): Promise<System> {
    if (options.form !== undefined && options.form !== "one process")
      throw new Error("Buildbot is measured as one process");
    const own = { ...scene, ...options.scene };
    const database = options.database ?? (await this.newDatabase());
    const directory = join(temporaryDirectory("buildbot"), "master");
    cpSync((await this.#make()).directory, directory, { recursive: true });
    const [ui = 0, workerPort = 0] = await freePorts(2);
    const url = new URL(`http://127.0.0.1:${ui}/`);
    const begin = performance.now();
    const master = await startProcess({
      name: "buildbot",
      command: this.#program,
      args: ["start", "--nodaemon", directory],
      env: {
        BENCH_SCENE: JSON.stringify(own),
        BENCH_URL: url.href,
        BENCH_UI_PORT: String(ui),
        BENCH_WORKER_PORT: String(workerPort),
        BENCH_DATABASE: urlForPython(database),
        WORKER_PASSWORD: workerPassword,
      },
    });
    const log = () => readLog(directory);
    await waitFor(() => master.exit() !== undefined || log().includes("BuildMaster is running"), {
      what: "the Buildbot master to run",
      timeoutMs: options.timeoutMs ?? 60_000,
      intervalMs: 20,
    });
    if (master.exit()) throw new Error(`the Buildbot master ended at its start:\n${log().slice(-4000)}`);
    return {
      scene: own,
      url,
      workerPorts: [workerPort],
      pids: [master.pid],
      database,
      readyMs: performance.now() - begin,
      rows: (sql) => this.postgres.psql(sql, database) as never,
      ...requestsTo(url),
      kill: () => master.kill(),
      // Its builds are over or do not matter: the next measure has a database of its own.
      stop: () => master.kill(),
    };
  }
}

/** SQLAlchemy's name of the driver that is installed. */
function urlForPython(database: string): string {
  return database.replace(/^postgresql:/, "postgresql+psycopg2:");
}

function readLog(directory: string): string {
  try {
    return readFileSync(join(directory, "twistd.log"), "utf8");
  } catch {
    return "";
  }
}
