import { errors, hashPassword, readSealingKey, sealPasswordMd5 } from "@multimaster/core";
import type { Command } from "commander";
import { readPassword } from "../read-password.ts";

/** `master worker hash`: how a worker proves who it is. */
export function addWorker(program: Command): void {
  const worker = program.command("worker").description("passwords of workers");

  worker
    .command("hash")
    .description("read a worker's password from the terminal or standard input, and print its hash for the config")
    .argument("<name>", "the worker's name")
    .option(
      "--sealing-key <file>",
      "print what workers with the pb protocol need too, sealed with the key in this file",
    )
    .action(async (name: string, { sealingKey }: { sealingKey?: string }) => {
      const key =
        sealingKey === undefined
          ? undefined
          : await readSealingKey(sealingKey).catch((error: Error) => {
              throw errors.requestInvalid(`${error.message}.`);
            });
      const password = await readPassword();
      const lines = [`passwordHash: "${await hashPassword(password)}",`];
      if (key !== undefined) lines.push(`passwordMd5Sealed: "${sealPasswordMd5(key, name, password)}",`);
      process.stdout.write(`${lines.join("\n")}\n`);
    });

  for (const command of worker.commands) command.exitOverride();
}
