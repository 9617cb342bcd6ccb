import { readFile } from "node:fs/promises";
import { ExitCode, errors, explainFileError } from "@multimaster/core";
import { loadClusterConfig } from "@multimaster/operator/load-cluster-config";
import { checkPipelineFile, describePipelineFiles, readPipelineRules } from "@multimaster/roles/pipeline-files";
import type { Command } from "commander";
import { formatJson, openTerminal } from "../terminal.ts";

interface Flags {
  config?: string;
  builder?: string;
}

/** `master pipeline`: checks a pipeline file, and describes such files to editors. No master is asked. */
export function addPipeline(program: Command, setExitCode: (code: number) => void): void {
  const pipeline = program
    .command("pipeline")
    .description("check a pipeline file, or print the JSON schema of such files");
  limited(
    pipeline
      .command("check")
      .description(
        "list everything that is wrong with a pipeline file, each with its line; the exit code is 1 if anything is",
      )
      .argument("<file>", "the file, such as .multimaster.yaml"),
  ).action(async (file: string, flags: Flags) => {
    const rules = await readRules(flags);
    const bytes = await readFile(file).catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") throw errors.requestInvalid(`There is no file ${file}.`);
      throw errors.requestInvalid(`${file} cannot be read: ${explainFileError(error) ?? error.message}.`);
    });
    const checked = checkPipelineFile(file, bytes, rules);
    if ("steps" in checked)
      return openTerminal().write(
        `The pipeline file is good: ${checked.steps} step${checked.steps === 1 ? "" : "s"}.\n`,
      );
    await openTerminal().write(checked.problems);
    setExitCode(ExitCode.failure);
  });
  limited(pipeline.command("schema").description("print the JSON schema of pipeline files, for editors")).action(
    async (flags: Flags) => {
      await openTerminal().write(formatJson(describePipelineFiles(await readRules(flags))));
    },
  );
  for (const command of pipeline.commands) command.exitOverride();
}

function limited(command: Command): Command {
  return command
    .option("--config <file>", "only what the config's fromRepository allows; without it, any step and name")
    .option("--builder <name>", "with --config: whose fromRepository, if several builders have one");
}

async function readRules({ config, builder }: Flags) {
  if (builder !== undefined && config === undefined)
    throw errors.requestInvalid("--builder names a builder of a config; give --config as well.");
  return readPipelineRules(config === undefined ? undefined : await loadClusterConfig(config), builder);
}
