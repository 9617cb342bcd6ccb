import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { open, readFile, rm, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { renderable } from "@multimaster/config";
import { z } from "zod";
import { defineLatentWorker, type NewInstance, type ProviderContext } from "../define-latent-worker.ts";
import { masterUrl } from "./options/master-url.ts";
import { program } from "./options/program.ts";
import { ownWorkerProgram } from "./process/own-worker.ts";
import {
  type KeptProcess,
  labelVariable,
  listProcesses,
  makeInstanceDirectory,
  readProcess,
} from "./process/process-directory.ts";

/** How long a process may take to end by itself before it is killed. */
const politeMs = 5000;

/** Starts worker programs as processes on the engine's own machine. They outlive an engine that dies. */
export default defineLatentWorker({
  type: "local-process",
  options: {
    command: renderable(program)
      .optional()
      .describe(
        "Program and arguments of the worker; absent: our own. It reads MASTER_URL, WORKER_NAME and WORKER_PASSWORD_FILE in its environment, works in its directory and runs until SIGTERM.",
      ),
    env: renderable(z.record(z.string(), z.string()))
      .default({})
      .describe("Variables that it gets, beside PATH, HOME, TMPDIR, and those of language and time zone."),
    masterUrl: masterUrl
      .optional()
      .describe(
        "URL at which engines accept workers, such as a balancer's; absent: the port of the engine that starts it.",
      ),
  },
  reach: (_options, { directory }) =>
    `${hostname()} ${createHash("sha256").update(directory).digest("hex").slice(0, 12)}`,
  masterUrlOf: ({ masterUrl }) => masterUrl,
  async start(ctx, options, instance) {
    const directory = await makeInstanceDirectory(ctx.directory, instance.instanceid);
    const passwordFile = join(directory, "password");
    await writeFile(passwordFile, `${instance.secret}\n`, { mode: 0o600 });
    const [first, ...args] = commandOf(options.command as string[] | undefined, instance, passwordFile);
    const log = await open(join(directory, "log"), "a", 0o600);
    try {
      // Its id is written by the process itself, so that it is known even if this master dies now.
      const script = 'echo $$ > "$1/pid" && shift && exec "$@"';
      ctx.signal.throwIfAborted();
      const child = spawn("/bin/sh", ["-c", script, "sh", directory, first as string, ...args], {
        cwd: join(directory, "work"),
        detached: true,
        stdio: ["ignore", log.fd, log.fd],
        env: {
          ...passedVariables(),
          ...(options.env as Record<string, string>),
          MASTER_URL: instance.masterUrl,
          WORKER_NAME: instance.worker,
          WORKER_PASSWORD_FILE: passwordFile,
          [labelVariable]: labelOf(ctx, instance.instanceid),
        },
      });
      // Listened for from the beginning: it may end at any moment. A master that has ended meanwhile writes none.
      child.once("exit", (code, signal) => void noteExit(directory, code ?? signal));
      await once(child, "spawn");
      child.on("error", () => undefined);
      child.unref();
      instance.output(`started process ${child.pid}: ${first}\n`);
    } finally {
      await log.close();
    }
    return String(instance.instanceid);
  },
  async stop(ctx, _options, id) {
    const directory = join(ctx.directory, id);
    const read = () => readProcess(directory, Number(id), labelOf(ctx, Number(id)));
    await end(ctx, read);
    await rm(directory, { recursive: true, force: true });
  },
  async list(ctx) {
    const found = await listProcesses(ctx.directory, (instanceid) => labelOf(ctx, instanceid));
    return Promise.all(
      found.map(async ({ instanceid, isAlive, directory }) => ({
        id: String(instanceid),
        instanceid,
        isAlive,
        ...(isAlive ? {} : { lastWords: await readLastWords(directory) }),
      })),
    );
  },
  lastWords: (ctx, _options, id) => readEnd(join(ctx.directory, id, "log")),
});

const labelOf = ({ labels }: ProviderContext, instanceid: number) => `${labels.cluster}/${labels.latent}/${instanceid}`;

function commandOf(command: readonly string[] | undefined, instance: NewInstance, passwordFile: string): string[] {
  if (command) return [...command];
  const { masterUrl, worker } = instance;
  const to = ["--master", masterUrl, "--name", worker, "--password-file", passwordFile, "--basedir", "."];
  return [process.execPath, ownWorkerProgram, "start", ...to];
}

function passedVariables(): Record<string, string> {
  const isPassed = (name: string) => ["PATH", "HOME", "LANG", "TMPDIR", "TZ"].includes(name) || name.startsWith("LC_");
  const passed = Object.entries(process.env).filter(([name]) => isPassed(name));
  return Object.fromEntries(passed) as Record<string, string>;
}

/** Ends the process and what it started in its group. */
async function end(ctx: ProviderContext, read: () => Promise<KeptProcess>): Promise<void> {
  const deadline = ctx.clock.now() + politeMs;
  for (let tries = 0; ; tries += 1) {
    const { pid, isAlive } = await read();
    if (!isAlive) return;
    const isLate = ctx.clock.now() >= deadline;
    if (pid !== undefined && (tries === 0 || isLate)) signalGroup(pid, isLate ? "SIGKILL" : "SIGTERM");
    if (ctx.clock.now() >= deadline + politeMs) throw new Error(`process ${pid ?? "?"} does not end`);
    await ctx.clock.sleep(tries < 10 ? 20 : 200);
  }
}

function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch {
    // It is gone.
  }
}

/** How the process ended, for who asks why an instance is gone. */
async function noteExit(directory: string, how: number | NodeJS.Signals | null): Promise<void> {
  // Its directory may be removed already.
  await writeFile(join(directory, "exit"), typeof how === "number" ? `exit code ${how}` : `${how}`).catch(
    () => undefined,
  );
}

/** The end of its log, whose last line also says how it ended, if a master saw it. */
async function readLastWords(directory: string): Promise<string> {
  const [log, how] = await Promise.all([readEnd(join(directory, "log")), readEnd(join(directory, "exit"))]);
  const said = log.trimEnd();
  if (how === "") return said;
  return said === "" ? how : `${said} (${how})`;
}

async function readEnd(file: string): Promise<string> {
  return (await readFile(file, "utf8").catch(() => "")).slice(-2000);
}
