import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { createSecureContext } from "node:tls";
import {
  createLog,
  ExitCode,
  explainFileError,
  ignoreSignals,
  logWarnings,
  openToOthers,
  readPrivateFile,
} from "@multimaster/core";
import { Command, CommanderError, InvalidArgumentError } from "commander";
import { checkDirectory, checkWorker, type Finding } from "./check-worker.ts";
import { passedEnvironment } from "./environment.ts";
import { createWorker, type Worker } from "./worker.ts";
import { workerVersion } from "./worker-details.ts";

interface CommonOptions {
  master: string;
  name: string;
  passwordFile: string;
  basedir: string;
  insecure?: boolean;
  ca?: string;
}

interface StartOptions extends CommonOptions {
  passEnv: string[];
  keepOutput: number;
}

const mib = 1024 * 1024;

/** Runs the `worker` command; resolves with its exit code. `name`: how users call it. */
export async function runWorkerCommand(argv: readonly string[], name = "worker"): Promise<number> {
  // A reader such as `head` may close the pipe. A worker that runs continues without one.
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
    if (argv[0] !== "start") process.exit(0);
  });
  let exitCode: number = ExitCode.ok;
  const program = new Command(name)
    .description("Runs the commands of a Multimaster or Buildbot master on this machine.")
    .version(workerVersion)
    .showHelpAfterError(
      `(as in: ${name} start --master wss://ci.example:9989 --name worker-1 --password-file worker-1.password; see --help)`,
    )
    .exitOverride();
  addCommonOptions(
    program.command("start").description("Connect to a master and work until SIGTERM or Ctrl-C.").exitOverride(),
  )
    .option(
      "--pass-env <name>",
      "variable of this environment that commands get, beside PATH, HOME, LANG and similar ones; NAME* for all that begin with NAME; repeatable",
      (name: string, before: string[]) => [...before, name],
      [],
    )
    .option(
      "--keep-output <MiB>",
      "output of one command that is kept, so that its build can go on at another engine; 0: none",
      parseSize,
      16,
    )
    .action(async (options: StartOptions) => {
      exitCode = await startWorker(options);
    });
  addCommonOptions(
    program
      .command("check")
      .description("Check what this worker needs: its directory, its programs, the master and its password.")
      .exitOverride(),
  ).action(async (options: CommonOptions) => {
    exitCode = await check(options);
  });
  try {
    await program.parseAsync([...argv], { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return error.exitCode === 0 ? ExitCode.ok : ExitCode.usage;
  }
  return exitCode;
}

function addCommonOptions(command: Command): Command {
  return command
    .requiredOption("--master <url>", "URL where masters accept workers, such as wss://ci.example:9989")
    .requiredOption("--name <name>", "name of this worker, as in the master's config")
    .requiredOption(
      "--password-file <file>",
      "file with this worker's password, readable by no other user (a newline at its end is ignored)",
    )
    .option(
      "--ca <file>",
      "PEM file of the authorities that may have signed the master's certificate (wss://), instead of the public ones",
    )
    .option("--insecure", "send the password and builds without encryption (ws://) to another machine")
    .option("--basedir <dir>", "directory in which builds run", "worker");
}

function parseSize(text: string): number {
  if (/^\d{1,4}$/.test(text)) return Number(text);
  throw new InvalidArgumentError("It must be a whole number of MiB, at most 9999.");
}

/** A sentence that says why these options cannot be used. */
class WrongOptions extends Error {}

/** The options that say who this worker is and where it connects, checked and read. */
async function readOptions({ master: url, name, passwordFile, insecure = false, ca, basedir }: CommonOptions) {
  let password: string;
  try {
    const { text, isOpen } = await readPrivateFile(passwordFile);
    if (isOpen) throw new WrongOptions(`The password file ${passwordFile} is not used: ${openToOthers(passwordFile)}.`);
    password = text.replace(/\r?\n$/, "");
  } catch (error) {
    if (error instanceof WrongOptions) throw error;
    throw new WrongOptions(`The password file ${passwordFile} cannot be read: ${(error as Error).message}.`);
  }
  if (!/^(wss?|https?):\/\/[^/]/i.test(url) || !URL.canParse(url))
    throw new WrongOptions(
      `"${url}" is no address of a master (--master): it must be like wss://ci.example:9989 or ws://127.0.0.1:9989.`,
    );
  if (name === "" || name.includes(":"))
    throw new WrongOptions(`"${name}" is not a valid worker name: it must not be empty or contain a colon.`);
  if (!insecure && isPlainToOthers(url))
    throw new WrongOptions(
      `${url} is another machine, and ws:// is not encrypted: an eavesdropper gets the password and the builds. Use wss://, or add --insecure if the network is trusted.`,
    );
  try {
    return { url, name, password, basedir, ...(ca === undefined ? {} : { ca: await readAuthorities(ca) }) };
  } catch (error) {
    throw new WrongOptions(`The worker cannot start: ${(error as Error).message}.`);
  }
}

async function check(options: CommonOptions): Promise<number> {
  let findings: readonly Finding[];
  try {
    findings = await checkWorker({ ...(await readOptions(options)), environment: passedEnvironment([]) });
  } catch (error) {
    return fail(
      error instanceof WrongOptions ? error.message : `The worker cannot start: ${(error as Error).message}.`,
    );
  }
  for (const { verdict, sentence } of findings) process.stdout.write(`${verdict.padEnd(7)} ${sentence}\n`);
  return findings.some(({ verdict }) => verdict === "failed") ? ExitCode.unavailable : ExitCode.ok;
}

async function startWorker(options: StartOptions): Promise<number> {
  const { master: url, name, passEnv, keepOutput } = options;
  const log = createLog({ fields: { worker: name } });
  const restoreSignals = ignoreSignals(log, "SIGTERM ends the worker.");
  const printWarnings = logWarnings(log);
  let worker: Worker;
  try {
    const checked = await readOptions(options);
    const { verdict, sentence } = await checkDirectory(resolve(checked.basedir));
    if (verdict === "failed")
      throw new WrongOptions(
        `The worker cannot start: ${sentence}. Name a directory that this user may write (--basedir).`,
      );
    const keep = keepOutput === 0 ? ("nothing" as const) : { characters: keepOutput * mib };
    worker = createWorker({ ...checked, log, environment: passedEnvironment(passEnv), keep });
    await worker.start();
  } catch (error) {
    return fail(
      error instanceof WrongOptions ? error.message : `The worker cannot start: ${(error as Error).message}.`,
    );
  }
  log.info(`worker ${name} started; connecting to ${url}`);
  await Promise.race([worker.shutdownRequested, waitForSignal()]);
  log.info(`worker ${name} is stopping; its commands are killed`);
  await worker.stop();
  restoreSignals();
  printWarnings();
  return ExitCode.ok;
}

async function readAuthorities(file: string): Promise<string> {
  const text = await readFile(file, "utf8").catch((error: unknown) => {
    throw new Error(`the file of --ca, ${file}, cannot be read (${explainFileError(error) ?? String(error)})`);
  });
  try {
    createSecureContext({ ca: text });
    if (text.includes("-----BEGIN CERTIFICATE-----")) return text;
  } catch {}
  throw new Error(`the file of --ca, ${file}, contains no certificate in PEM form`);
}

/** Whether data sent to this URL leaves the machine unencrypted. An invalid URL is refused later, with a reason. */
function isPlainToOthers(url: string): boolean {
  if (!URL.canParse(url)) return false;
  const { protocol, hostname } = new URL(url);
  const isPlain = protocol === "ws:" || protocol === "http:";
  return isPlain && !/^(localhost|.*\.localhost|127\.\d+\.\d+\.\d+|\[::1\])$/i.test(hostname);
}

function waitForSignal(): Promise<void> {
  return new Promise((resolve) => {
    process.once("SIGTERM", () => resolve());
    process.once("SIGINT", () => resolve());
  });
}

function fail(sentence: string): number {
  process.stderr.write(`${sentence}\n`);
  return ExitCode.usage;
}
