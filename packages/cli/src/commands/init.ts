import { cp, mkdir, readdir } from "node:fs/promises";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { errors } from "@multimaster/core";
import type { Command } from "commander";

const starter = join(dirname(fileURLToPath(import.meta.url)), "..", "..", "templates", "starter");

export function addInit(program: Command): void {
  program
    .command("init")
    .argument("<dir>", "directory to write to; made when it does not exist")
    .description("write a commented starter config that works")
    .action(async (dir: string) => {
      const target = resolve(dir);
      await mkdir(target, { recursive: true });
      if ((await readdir(target)).includes("cluster.ts")) throw errors.configExists(join(dir, "cluster.ts"));
      await cp(starter, target, { recursive: true, errorOnExist: true, force: false });
      const config = relative(process.cwd(), join(target, "cluster.ts"));
      process.stdout.write(`Wrote a starter config to ${dir}. Start it with:\n  master start --config ${config}\n`);
    });
}
