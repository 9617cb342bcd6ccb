import { cp, mkdir, readdir } from "node:fs/promises";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { errors, explainFileError } from "@multimaster/core";
import type { Command } from "commander";

const starter = join(dirname(fileURLToPath(import.meta.url)), "..", "..", "templates", "starter");

export function addInit(program: Command): void {
  program
    .command("init")
    .argument("<dir>", "directory to write to; created if it does not exist")
    .description("write a commented starter config that works")
    .action(async (dir: string) => {
      const target = resolve(dir);
      await writeStarter(dir, target);
      const config = shorten(join(target, "cluster.ts"));
      process.stdout.write(`Wrote a starter config to ${dir}. Start it with:\n  master start --config ${config}\n`);
    });
}

/** A path that climbs out of the current directory is easier to read from the root. */
function shorten(file: string): string {
  const path = relative(process.cwd(), file);
  return path.startsWith("..") ? file : path;
}

/** Writes all of the files or, where one of them is there already, none. */
async function writeStarter(dir: string, target: string): Promise<void> {
  try {
    await mkdir(target, { recursive: true });
    const there = await readdir(target);
    const taken = (await readdir(starter)).find((file) => there.includes(file));
    if (taken !== undefined) throw errors.configExists(join(dir, taken));
    await cp(starter, target, { recursive: true, errorOnExist: true, force: false });
  } catch (error) {
    const why = explainFileError(error);
    throw why === undefined ? error : errors.cannotWrite(dir, why, { cause: error });
  }
}
