import { checkClusterConfig } from "@multimaster/operator/check-cluster-config";
import { loadClusterConfig } from "@multimaster/operator/load-cluster-config";
import type { Command } from "commander";
import { configOption } from "../options.ts";

export function addCheckConfig(program: Command, setExitCode: (code: number) => void): void {
  program
    .command("check-config")
    .description("load every part of the config, check it as a whole, and list everything that is wrong or risky")
    .addOption(configOption())
    .option("--strict", "treat warnings as failures: the exit code is 1 if there are any")
    .action(async ({ config: file, strict }: { config: string; strict?: boolean }) => {
      const config = await loadClusterConfig(file, checkClusterConfig);
      const found = await checkClusterConfig(config);
      const { warnings } = found;
      process.stdout.write(
        `The config is good: ${count(found.builders, "builder")} in ${count(found.builderSets, "set")}, ` +
          `${count(found.workers, "worker")}, ${count(found.schedulers, "scheduler")}, ` +
          `${count(found.changeSources, "change source")}${found.reporters > 0 ? `, ${count(found.reporters, "reporter")}` : ""}.\n`,
      );
      if (warnings.length === 0) return;
      const lines = warnings.map((text) => `  ${text}\n`).join("");
      process.stdout.write(`It has ${warnings.length === 1 ? "a warning" : `${warnings.length} warnings`}:\n${lines}`);
      if (strict) setExitCode(1);
    });
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}
