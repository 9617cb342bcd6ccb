import { createRequire } from "node:module";
import { inspect } from "node:util";
import { Command, CommanderError } from "commander";
import { loadCommands } from "./commands.ts";

const { version } = createRequire(import.meta.url)("@multimaster/roles/package.json") as { version: string };

/** Runs the `master` command; resolves to its exit code (see docs/operators.md). */
export async function main(argv: readonly string[]): Promise<number> {
  let exitCode = 0;
  const setExitCode = (code: number) => {
    exitCode = code;
  };

  const program = new Command("master")
    .description("A master of a continuous-integration cluster: it schedules, builds and serves, or one of these.")
    .version(version)
    .showHelpAfterError("(see --help)")
    .exitOverride()
    .addHelpText(
      "after",
      `
Examples:
  master init ci                                write a starter config into ./ci
  master start --config ci/cluster.ts           one process with all roles
  master start --role builder-engine --builders web
                                                 an engine for one team's builders
  master upgrade --config new/cluster.ts        replace this host's masters by new ones, without a gap
  master status                                 who is in the cluster, and what runs
  master drain engine-1 --wait                  let a master finish its builds and end
  master force --builder web --follow           build, and see it run (asks a ui master)

Commands for builds, changes, schedulers and workers ask a ui master: the one of --url, of MULTIMASTER_URL, or of the
client file that "master login" writes (docs/command-line.md). "stop" and "drain" are for masters, "build stop" for builds.

Exit codes: 0 done, 1 failed, 2 wrong usage or config, 3 something needed (database, port, name) is not to be had.`,
    );
  for (const add of await loadCommands(argv[0])) add(program, setExitCode);
  // A reader such as `head` may close the pipe. A master continues without one.
  process.stdout.once("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
    if (argv[0] !== "start") process.exit(0);
  });
  for (const command of program.commands) command.exitOverride();

  try {
    await program.parseAsync(argv, { from: "user" });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    const { explainFailure } = await import("@multimaster/roles/master/explain-failure");
    const { cleanLines } = await import("./terminal.ts");
    const explained = explainFailure(error);
    if (explained) {
      process.stderr.write(`master: ${cleanLines(explained.message)}\n`);
      return explained.exitCode;
    }
    process.stderr.write(`master: unexpected error: ${inspect(error)}\n`);
    return 1;
  }
}
