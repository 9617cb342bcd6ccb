import { createLog, ignoreSignals, logWarnings } from "@multimaster/core";
import { type RunningMaster, startMaster } from "@multimaster/roles/master/start";
import { type Command, Option } from "commander";
import { configOption, gatherList, parseName } from "../options.ts";
import { showProgress } from "../progress.ts";
import { stopOnSignals } from "../signals.ts";

interface StartFlags {
  config: string;
  role?: string[];
  builders?: string[];
  name?: string;
  logLevel?: string;
  logFormat?: string;
  progress?: boolean;
  once?: boolean;
}

export function addStart(program: Command, setExitCode: (code: number) => void): void {
  program
    .command("start")
    .description("run a master until it is stopped")
    .addOption(configOption())
    .option(
      "--role <role>",
      "scheduler, builder-engine or ui; repeatable or separated by commas; all of them by default",
      gatherList,
    )
    .option(
      "--builders <set>",
      "builder set that an engine runs; repeatable or separated by commas; all by default",
      gatherList,
    )
    .option("--name <name>", "this master's name in the cluster (default: host and roles)", parseName)
    .addOption(new Option("--log-level <level>", "what to log").choices(["debug", "info", "warn", "error", "silent"]))
    .addOption(
      new Option("--log-format <format>", "format of the log: JSON for programs, or lines for people")
        .choices(["json", "pretty"])
        .default("json")
        .env("MULTIMASTER_LOG_FORMAT"),
    )
    .option("--progress", "show builds in the terminal as they run")
    .option("--once", "end with the first build; the exit code is 0 if it succeeded")
    .addHelpText(
      "after",
      `
SIGTERM or Ctrl-C stops gracefully: nothing new is taken on and running builds finish. A second one stops now:
running builds are given back and run again elsewhere. SIGHUP, also of a terminal that is closed, loads the config again, as
master reconfig does. SIGUSR1 and SIGUSR2 are ignored.`,
    )
    .action(async (flags: StartFlags) => {
      const progress =
        flags.progress || flags.once ? showProgress({ write: (text) => process.stdout.write(text) }) : undefined;
      const log = createLog({ level: flags.logLevel ?? (progress ? "warn" : undefined), format: flags.logFormat });
      let running: RunningMaster | undefined;
      const restoreSignals = ignoreSignals(
        log.child({ service: "master" }),
        "SIGHUP loads the config again, SIGTERM ends the master.",
        () => running?.reconfigure(),
      );
      const printWarnings = logWarnings(log.child({ service: "master" }));
      const master = await startMaster({
        configFile: flags.config,
        roles: flags.role,
        builderSets: flags.builders,
        name: flags.name,
        log,
        extraServices: progress ? (context) => [progress.service(context)] : undefined,
      });
      const endStopping = stopOnSignals(master);
      running = master;
      if (flags.once && progress) {
        const firstBuild = await Promise.race([progress.firstBuild, master.finished.then(() => undefined)]);
        setExitCode(firstBuild === "success" || firstBuild === "warnings" ? 0 : 1);
        master.drain();
      }
      await master.finished;
      endStopping();
      restoreSignals();
      printWarnings();
    });
}
