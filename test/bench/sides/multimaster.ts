import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { startCrossbar } from "../../harness/crossbar.ts";
import { startMaster, type TestMaster } from "../../harness/master.ts";
import type { TestPostgres } from "../../harness/postgres.ts";
import { runProcess } from "../../harness/processes.ts";
import { requestsTo, type Side, type StartOptions, type System, scene, workerPassword } from "./side.ts";

/** The roles of each process. The first one holds workers, the last one serves the pages. */
const processes = {
  "one process": [["scheduler", "builder-engine", "ui"]],
  split: [["builder-engine"], ["scheduler", "ui"]],
  cluster: [["builder-engine"], ["builder-engine"], ["scheduler"], ["ui"]],
} as const;

/** This project as built in a checkout. */
export class Multimaster implements Side {
  readonly name = "multimaster";
  readonly title: string;
  readonly postgres: TestPostgres;
  readonly checkout: string;
  #nodeArgs: readonly string[];
  #template: Promise<string> | undefined;

  constructor(postgres: TestPostgres, checkout: string, nodeArgs: readonly string[] = []) {
    if (!existsSync(join(checkout, "packages/cli/dist/main.js")))
      throw new Error(`${checkout} is not built: run \`npm run build\` there first`);
    this.postgres = postgres;
    this.checkout = checkout;
    this.#nodeArgs = nodeArgs;
    this.title = `Multimaster ${revisionOf(checkout)}`;
  }

  get #config(): string {
    return join(this.checkout, "test/bench/sides/multimaster/cluster.ts");
  }

  get #program(): string {
    return join(this.checkout, "packages/cli/bin/master.mjs");
  }

  async newDatabase(): Promise<string> {
    this.#template ??= this.#makeTemplate();
    return this.postgres.createDatabase(await this.#template);
  }

  async #makeTemplate(): Promise<string> {
    const database = await this.postgres.createDatabase();
    await runProcess({
      name: "master upgrade-database",
      command: process.execPath,
      args: [this.#program, "upgrade-database", "--config", this.#config],
      env: environment(database, JSON.stringify(scene)),
    });
    return new URL(database).pathname.slice(1);
  }

  async start(options: StartOptions = {}): Promise<System> {
    const own = { ...scene, ...options.scene };
    const database = options.database ?? (await this.newDatabase());
    const form = options.form ?? "one process";
    const router = form === "cluster" ? await startCrossbar() : undefined;
    const env = {
      ...environment(database, JSON.stringify(own)),
      ...(router && { WAMP_ROUTER: router.url, WAMP_REALM: router.realm }),
      ...(form === "split" && { BENCH_NOTIFY: "1" }),
      ...options.env,
    };
    const begin = performance.now();
    const masters = await Promise.all(
      processes[form].map((roles, i) =>
        startMaster({
          program: this.#program,
          config: this.#config,
          roles,
          name: `bench-${i + 1}`,
          env,
          nodeArgs: [...flagsOf(this.#program), ...this.#nodeArgs, ...(options.nodeArgs ?? [])],
        }),
      ),
    );
    await Promise.all(masters.map((master) => master.waitReady(options.timeoutMs)));
    const readyMs = performance.now() - begin;
    const engines = masters.filter((_, i) => (processes[form][i] as readonly string[]).includes("builder-engine"));
    const url = new URL(await (masters.at(-1) as TestMaster).url());
    return {
      scene: own,
      url,
      workerPorts: await Promise.all(engines.map((engine) => engine.workerPort())),
      pids: masters.map((master) => master.process.pid),
      database,
      readyMs,
      rows: (sql) => this.postgres.psql(sql, database) as never,
      ...requestsTo(url),
      kill: async (pid) => masters.find((master) => master.process.pid === pid)?.kill9(),
      async stop() {
        await Promise.all(masters.map((master) => master.stop()));
        await router?.stop();
      },
    };
  }
}

function environment(database: string, sceneText: string): Record<string, string> {
  return { BENCH_DATABASE: database, BENCH_SCENE: sceneText, WORKER_PASSWORD: workerPassword };
}

/** The flags that the first line of a program gives Node when it is run by its name. */
function flagsOf(program: string): string[] {
  const [first = ""] = readFileSync(program, "utf8").split("\n", 1);
  return first.split(" ").filter((word) => word.startsWith("--"));
}

function revisionOf(checkout: string): string {
  try {
    return execFileSync("git", ["describe", "--always", "--dirty"], { cwd: checkout, encoding: "utf8" }).trim();
  } catch {
    return "of an unknown revision";
  }
}
