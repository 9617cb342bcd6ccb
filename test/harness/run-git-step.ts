import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { BuildSource } from "@multimaster/plugins";
import type { StepDefinition } from "@multimaster/plugins/define-step";
import git from "@multimaster/plugins/steps/git";
import { isolatedGitEnvironment } from "./git-repository.ts";
import { createLocalStep } from "./local-step-context.ts";
import { temporaryDirectory } from "./temporary-directory.ts";

type Options = Parameters<typeof git>[0];

/** Runs the step below a directory, whose parent is what a worker's base directory is. */
export async function runGitStep(
  directory: string,
  given: Options,
  { stamp = {}, env = {} }: { stamp?: Partial<BuildSource>; env?: Record<string, string> } = {},
) {
  const { ctx, trace } = createLocalStep(directory, stamp, env);
  const { plugin, options } = git(given);
  const end = await (plugin as StepDefinition).run(ctx, options as Record<string, unknown>);
  const properties = Object.fromEntries(trace.properties);
  return { ...end, properties, got: properties["got_revision"], trace, log: trace.log.join("\n") };
}

/** Runs git in the directory that was checked out; returns its output, trimmed. */
export function inBuild(directory: string, ...args: string[]): string {
  const env = isolatedGitEnvironment(directory);
  return execFileSync("git", args, { cwd: join(directory, "build"), env, encoding: "utf8", stdio: "pipe" }).trim();
}

/** A new builder's directory, in a worker's base directory of its own. */
export function newBuilderDirectory(): string {
  const directory = join(temporaryDirectory("base"), "builder");
  mkdirSync(directory);
  return directory;
}

/** A file that was checked out. */
export const readInBuild = (directory: string, file: string): string =>
  readFileSync(join(directory, "build", file), "utf8");
