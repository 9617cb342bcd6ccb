import { checkConfig } from "@multimaster/config";
import { loadClusterConfig } from "@multimaster/roles/load-cluster-config";
import type { Command } from "commander";
import { configOption } from "../options.ts";

export function addCheckConfig(program: Command): void {
  program
    .command("check-config")
    .description("load every part of the config, check it as a whole, and list everything that is wrong")
    .addOption(configOption())
    .action(async ({ config: file }: { config: string }) => {
      const config = await loadClusterConfig(file, checkConfig);
      const found = await checkConfig(config);
      process.stdout.write(
        `The config is good: ${found.builders} builders in ${found.builderSets} sets, ${found.workers} workers, ` +
          `${found.schedulers} schedulers, ${found.changeSources} change sources.\n`,
      );
    });
}
