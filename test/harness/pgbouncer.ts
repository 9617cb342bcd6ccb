import { spawnSync } from "node:child_process";
import { chmodSync, chownSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { findBalancer } from "../setup.mjs";
import { onCleanup } from "./cleanup.ts";
import { freePort, isListening } from "./ports.ts";
import { startProcess, type TestProcess } from "./processes.ts";
import { temporaryDirectory } from "./temporary-directory.ts";
import { waitFor } from "./wait-for.ts";

export interface PgbouncerOptions {
  /** The database behind it. */
  url: string;
  mode: "session" | "transaction";
  /** Connections to the server, at most (default 20). */
  poolSize?: number;
}

/** A real PgBouncer in front of a database. */
export interface TestPgbouncer {
  /** The same database through it. */
  readonly url: string;
  readonly process: TestProcess;
  kill(): Promise<void>;
  start(): Promise<void>;
}

export async function startPgbouncer({ url, mode, poolSize = 20 }: PgbouncerOptions): Promise<TestPgbouncer> {
  const program = findBalancer("pgbouncer");
  if (!program) throw new Error("PgBouncer is not set up: run `node test/setup.mjs` first");
  const behind = new URL(url);
  const name = behind.pathname.slice(1);
  const port = await freePort();
  const directory = temporaryDirectory("pgbouncer");
  const users = join(directory, "users.txt");
  writeFileSync(users, `"${behind.username}" ""\n`);
  const file = join(directory, "pgbouncer.ini");
  writeFileSync(
    file,
    [
      "[databases]",
      `${name} = host=127.0.0.1 port=${behind.port} dbname=${name}`,
      "[pgbouncer]",
      "listen_addr = 127.0.0.1",
      `listen_port = ${port}`,
      "unix_socket_dir =",
      "auth_type = trust",
      `auth_file = ${users}`,
      `pool_mode = ${mode}`,
      `default_pool_size = ${poolSize}`,
      "server_login_retry = 1",
      "",
    ].join("\n"),
  );
  // It refuses to run as root.
  const owner = process.getuid?.() === 0 ? "nobody" : undefined;
  if (owner) {
    const uid = Number.parseInt(spawnSync("id", ["-u", owner], { encoding: "utf8" }).stdout, 10);
    for (const path of [directory, file, users]) chownSync(path, uid, -1);
    chmodSync(directory, 0o755);
  }
  let running: TestProcess;
  const start = async () => {
    running = await startProcess({
      name: "pgbouncer",
      command: program,
      args: [...(owner ? ["-u", owner] : []), file],
      stopSignal: "SIGINT",
    });
    await waitFor(async () => running.exit() !== undefined || (await isListening(port)), {
      what: "pgbouncer to listen",
    });
    if (running.exit()) throw new Error(`pgbouncer ended at its start:\n${running.output().slice(-4_000)}`);
  };
  await start();
  onCleanup(() => running.kill());
  behind.port = String(port);
  return {
    url: behind.toString(),
    get process() {
      return running;
    },
    kill: () => running.kill(),
    start,
  };
}
