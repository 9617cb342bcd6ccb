import { spawn } from "node:child_process";
import { closeSync, fstatSync, mkdirSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { errors, explainFileError, toFileName } from "@multimaster/core";
import type { Replacement } from "./plan.ts";

export interface StartOptions {
  /** The program, and the config that it gets. */
  program: string;
  config: string;
  logDir: string;
  /** Starts a master of a supervisor; absent: this program starts it as a process of its own. */
  startCommand?: string;
}

/** A master that was started in place of another one. It outlives this process. */
export interface Successor {
  readonly replacement: Replacement;
  /** Of the master; unknown when a supervisor starts it. */
  readonly pid: number | undefined;
  readonly logFile: string;
  /** Why it cannot become ready any more. */
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
    // A supervisor's command is done when the master is started.
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

/** `master start …` of a successor. */
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

/** Puts {name}, {roles}, {builders}, {config} and {program} into a command for the shell. */
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

/** What it said for people at its end: the log's other lines are JSON. */
function quoteEnd(file: string, begin: number): string {
  const lines = readFileSync(file).subarray(begin).toString("utf8").split("\n");
  const said = lines.filter((line) => line !== "" && !line.startsWith("{")).slice(-20);
  return said.length === 0 ? ` (see ${file})` : `: ${said.join("\n").replace(/^master: /, "")}`;
}
