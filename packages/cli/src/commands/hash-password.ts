import { hashPassword } from "@multimaster/core";
import type { Command } from "commander";
import { readPassword } from "../read-password.ts";

/** `master hash-password`: the hash that a config contains instead of a password. */
export function addHashPassword(program: Command): void {
  program
    .command("hash-password")
    .description("read a password from the terminal or standard input, and print its hash for a config")
    .action(async () => {
      process.stdout.write(`${await hashPassword(await readPassword())}\n`);
    });
}
