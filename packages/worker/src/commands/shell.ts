import { resolve } from "node:path";
import { makeDirectories } from "@multimaster/core";
import type { CommandArgs } from "@multimaster/wire";
import type { CommandBody, CommandContext } from "../command.ts";
import { ownStreams } from "../command-output.ts";
import { resolveEnvironment } from "../environment.ts";
import { LogWatcher, type WatchedFile } from "../log-watcher.ts";
import { ProcessRun } from "../process-run.ts";

/** Runs a program in a directory, which is created if it is missing. */
export const shell: CommandBody<"shell"> = async (context, args) => {
  const files = listWatchedFiles(args);
  await makeDirectories(args.workdir);
  const environment = resolveEnvironment(context.environment, args.env, args.workdir);
  const argv = typeof args.command === "string" ? ["/bin/sh", "-c", args.command] : args.command;
  describeStart(context, args, environment);
  const run = new ProcessRun(context, {
    argv: argv as [string, ...string[]],
    workdir: args.workdir,
    environment,
    stdin: args.initial_stdin,
    wantStdout: args.want_stdout,
    wantStderr: args.want_stderr,
    timeout: args.timeout,
    maxTime: args.maxTime,
    maxLines: args.max_lines,
    sigtermTime: args.sigtermTime,
    interruptSignal: args.interruptSignal,
  });
  const watchers = files.map((file) => new LogWatcher(file, context.output, () => run.noteActivity()));
  try {
    for (const watcher of watchers) await watcher.start();
    return await run.run();
  } finally {
    for (const watcher of watchers) await watcher.stop();
  }
};

function listWatchedFiles(args: CommandArgs<"shell">): WatchedFile[] {
  return Object.entries(args.logfiles).map(([name, file]) => {
    if (ownStreams.includes(name)) throw new Error(`a watched log file cannot be called "${name}"`);
    const { filename, follow } = typeof file === "string" ? { filename: file, follow: false } : file;
    return { name, path: resolve(args.workdir, filename), follow };
  });
}

function describeStart(context: CommandContext, args: CommandArgs<"shell">, environment: Record<string, string>): void {
  const limits = [
    ...(args.timeout === null ? [] : [` (timeout ${args.timeout} secs)`]),
    ...(args.maxTime === null ? [] : [` (maxTime ${args.maxTime} secs)`]),
  ];
  const lines = [
    typeof args.command === "string" ? args.command : args.command.map(quoteArgument).join(" "),
    ` in dir ${args.workdir}${limits.join("")}`,
  ];
  if (Object.keys(args.logfiles).length > 0) lines.push(` watching logfiles ${JSON.stringify(args.logfiles)}`);
  if (args.logEnviron) {
    lines.push(" environment:");
    for (const name of Object.keys(environment).sort()) lines.push(`  ${name}=${environment[name]}`);
  }
  if (args.initial_stdin !== null) lines.push(` writing ${Buffer.byteLength(args.initial_stdin)} bytes to stdin`);
  if (args.usePTY) lines.push(" using PTY: False (this worker has no terminals; the command gets pipes)");
  context.output.header(lines.join("\n"));
}

/** Quotes an argument as a user would type it into a shell. */
export function quoteArgument(argument: string): string {
  return /^[\w@%+=:,./-]+$/.test(argument) ? argument : `'${argument.replaceAll("'", `'"'"'`)}'`;
}
