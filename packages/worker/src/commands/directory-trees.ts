import { dirname } from "node:path";
import { makeDirectories } from "@multimaster/core";
import type { CommandBody, CommandContext } from "../command.ts";
import { ProcessRun } from "../process-run.ts";
import { quoteArgument } from "./shell.ts";

interface Limits {
  timeout: number | null;
  maxTime: number | null;
}

/** Removes directories or files with their contents. A missing one is not a failure; the others are removed anyway. */
export const rmdir: CommandBody<"rmdir"> = async (context, args) => {
  let result = 0;
  for (const path of args.paths) {
    if (context.interrupted.aborted) return -1;
    let rc = await runTool(context, ["rm", "-rf", "--", path], args);
    if (rc !== 0 && !context.interrupted.aborted) {
      // A build may have removed its own write permission.
      await runTool(context, ["chmod", "-Rf", "u+rwx", "--", path], args);
      rc = await runTool(context, ["rm", "-rf", "--", path], args);
    }
    if (rc !== 0) result = rc;
  }
  return result;
};

/** Copies a tree with links, modes and times; into the target if that is an existing directory. */
export const cpdir: CommandBody<"cpdir"> = async (context, args) => {
  await makeDirectories(dirname(args.to_path));
  return runTool(context, ["cp", "-R", "-P", "-p", "-v", "--", args.from_path, args.to_path], args);
};

function runTool(context: CommandContext, argv: [string, ...string[]], limits: Limits): Promise<number> {
  context.output.header(`${argv.map(quoteArgument).join(" ")}\n in dir ${context.basedir}`);
  return new ProcessRun(context, {
    argv,
    workdir: context.basedir,
    environment: { ...context.environment },
    stdin: null,
    wantStdout: true,
    wantStderr: true,
    timeout: limits.timeout,
    maxTime: limits.maxTime,
    maxLines: null,
    sigtermTime: null,
    interruptSignal: "KILL",
  }).run();
}
