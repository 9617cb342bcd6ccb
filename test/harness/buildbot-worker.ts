import { appendFileSync, existsSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { componentDirectory } from "../setup.mjs";
import { runProcess, startProcess, type TestProcess } from "./processes.ts";
import { temporaryDirectory } from "./temporary-directory.ts";

export interface BuildbotWorkerOptions {
  /** Where the master (or the balancer before it) listens for workers. */
  host?: string;
  port: number;
  name: string;
  password: string;
  /** Its directory; given again, the worker goes on where another one ended. */
  basedir?: string;
  protocol?: WorkerProtocol;
  /** The directory of another release's virtual environment. */
  installation?: string;
  /** Lines at the end of its buildbot.tac. */
  settings?: readonly string[];
  /** More options of `create-worker`, such as --use-tls. */
  options?: readonly string[];
  env?: Record<string, string | undefined>;
}

export type WorkerProtocol = "msgpack_experimental_v7" | "pb";

/** Lifts the limits of output that a pb master cannot set: long lines stay whole, and output comes soon. */
export const liftedLimits = ["s.bot.max_line_length = 1000000", "s.bot.buffer_timeout = 0.3"] as const;

/** A real, unmodified buildbot-worker process. */
export interface TestBuildbotWorker {
  readonly name: string;
  readonly pid: number;
  readonly basedir: string;
  readonly process: TestProcess;
  /** What it logged: every message, among others. */
  log(): string;
  /** Ends it as an operator would. */
  stop(): Promise<void>;
  /** SIGKILL; the commands it runs go on without it, until the test file is over. */
  kill(): Promise<void>;
  freeze(): void;
  thaw(): void;
}

/** Creates and starts a worker. It is not connected yet when this resolves; the master's rows show when it is. */
export async function startBuildbotWorker(options: BuildbotWorkerOptions): Promise<TestBuildbotWorker> {
  const program = findProgram(options.installation ?? componentDirectory("buildbot-worker"));
  const basedir = options.basedir ?? join(temporaryDirectory("worker"), "base");
  const protocol = options.protocol ?? "msgpack_experimental_v7";
  const address = `${options.host ?? "127.0.0.1"}:${options.port}`;
  await runProcess({
    name: `buildbot-worker create-worker ${options.name}`,
    command: program,
    args: [
      basename(program) === "buildslave" ? "create-slave" : "create-worker",
      "--force",
      // Older releases know neither the option nor another protocol.
      ...(protocol === "pb" ? [] : [`--protocol=${protocol}`]),
      ...(options.options ?? []),
      basedir,
      address,
      options.name,
      options.password,
    ],
  }).catch((error: Error) => {
    throw new Error(
      `the worker ${options.name} cannot be created (is it set up? run \`node test/setup.mjs\`): ${error.message}`,
    );
  });
  if (options.settings !== undefined)
    appendFileSync(join(basedir, "buildbot.tac"), `\n${options.settings.join("\n")}\n`);
  const child = await startProcess({
    name: `buildbot-worker ${options.name}`,
    command: program,
    args: ["start", "--nodaemon", basedir],
    env: { PYTHONUNBUFFERED: "1", ...options.env },
  });
  return {
    name: options.name,
    pid: child.pid,
    basedir,
    process: child,
    log: () => `${readIfThere(join(basedir, "twistd.log"))}${child.output()}`,
    stop: () => child.stop(),
    kill: () => child.kill(),
    freeze: () => child.freeze(),
    thaw: () => child.thaw(),
  };
}

/** Before release 0.9 workers were called slaves. */
function findProgram(installation: string): string {
  const names = ["buildbot-worker", "buildslave"].map((name) => join(installation, "bin", name));
  return names.find((name) => existsSync(name)) ?? join(installation, "bin", "buildbot-worker");
}

function readIfThere(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}
