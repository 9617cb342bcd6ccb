import { spawn } from "node:child_process";
import { closeSync, fstatSync, mkdirSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { errors, explainFileError, toFileName } from "@multimaster/core";
import type { Replacement } from "./plan.ts";

export interface StartOptions {
  /** The program, and the config that it is started with. */
  program: string;
  config: string;
  logDir: string;
  /** A command that makes a supervisor start a master; absent: this program starts a process itself. */
  startCommand?: string;
}

/** A master that was started to replace another one. It outlives this process. */
export interface Successor {
  readonly replacement: Replacement;
  /** The master's process id; unknown if a supervisor starts it. */
  readonly pid: number | undefined;
  readonly logFile: string;
  /** Why it can no longer become ready. */
  failure(): string | undefined;
  isGone(): boolean;
  signal(signal: NodeJS.Signals): void;
}

/** Starts a master in a session of its own, without a terminal: its output goes to a log file. */
export function startSuccessor(replacement: Replacement, options: StartOptions): Successor {
  const { startCommand } = options;
  const logFile = join(options.logDir, `${toFileName(replacement.name)}.log`);
  const log = openLog(options.logDir, logFile);
  const begin = fstatSync(log).size;
  const [command = "", ...args] =
    startCommand === undefined
      ? [process.execPath, ...process.execArgv, options.program, ...startArguments(replacement, options.config)]
      : ["sh", "-c", fillIn(startCommand, replacement, options)];
  const child = spawn(command, args, { detached: true, stdio: ["ignore", log, log] });
  closeSync(log);
  child.unref();
  let end: string | undefined;
  let isGone = false;
  child.once("error", (error) => {
    end = `could not be started: ${error.message}`;
    isGone = true;
  });
  child.once("exit", (code, signal) => {
    isGone = true;
    // A supervisor's command ends when the master has been started.
    if (startCommand !== undefined && code === 0) return;
    const how = signal === null ? `with exit code ${code}` : `by ${signal}`;
    end = `${startCommand === undefined ? "ended" : "its start command ended"} ${how}${quoteEnd(logFile, begin)}`;
  });
  return {
    replacement,
    pid: startCommand === undefined ? child.pid : undefined,
    logFile,
    failure: () => end,
    isGone: () => isGone,
    signal: (signal) => void child.kill(signal),
  };
}

/** The arguments of `master start` for a successor. */
export function startArguments({ name, roles, builderSets }: Replacement, config: string): string[] {
  return [
    "start",
    "--config",
    config,
    ...roles.flatMap((role) => ["--role", role]),
    ...(builderSets === "all" ? [] : builderSets.flatMap((set) => ["--builders", set])),
    "--name",
    name,
  ];
}

/** Replaces {name}, {roles}, {builders}, {config} and {program} in a command for the shell. */
export function fillIn(template: string, replacement: Replacement, { config, program }: StartOptions): string {
  const { name, roles, builderSets } = replacement;
  const values: Record<string, string> = {
    name,
    roles: roles.join(","),
    builders: builderSets === "all" ? "" : builderSets.join(","),
    config,
    program,
  };
  return template.replaceAll(/\{(name|roles|builders|config|program)\}/g, (_, key: string) => quote(values[key] ?? ""));
}

function quote(text: string): string {
  return /^[\w@%+=:,./-]*$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`;
}

function openLog(directory: string, file: string): number {
  try {
    mkdirSync(directory, { recursive: true });
    return openSync(file, "a");
  } catch (error) {
    const why = explainFileError(error);
    throw why === undefined ? error : errors.cannotWrite(`The log ${file}`, why, { cause: error });
  }
}

/** The last lines of its output for people; the log's other lines are JSON. */
function quoteEnd(file: string, begin: number): string {
  const lines = readFileSync(file).subarray(begin).toString("utf8").split("\n");
  const messages = lines.filter((line) => line !== "" && !line.startsWith("{")).slice(-20);
  return messages.length === 0 ? ` (see ${file})` : `: ${messages.join("\n").replace(/^master: /, "")}`;
}
