import { once } from "node:events";
import { createInterface } from "node:readline";
import { Writable } from "node:stream";
import { errors, hashPassword } from "@multimaster/core";
import type { Command } from "commander";

/** `master hash-password`: the hash that a config contains instead of a password. */
export function addHashPassword(program: Command): void {
  program
    .command("hash-password")
    .description("read a password from the terminal or standard input, and print its hash for a config")
    .action(async () => {
      const password = await readPassword();
      if (password === "") throw errors.requestInvalid("The password is empty.");
      process.stdout.write(`${await hashPassword(password)}\n`);
    });
}

/** Reads the first line of standard input. A terminal does not echo it. */
async function readPassword(): Promise<string> {
  const isTerminal = process.stdin.isTTY;
  const hidden = new Writable({ write: (_chunk, _encoding, done) => done() });
  const reader = createInterface({ input: process.stdin, output: hidden, terminal: isTerminal });
  if (isTerminal) process.stderr.write("Password: ");
  const [line] = (await Promise.race([once(reader, "line"), once(reader, "close")])) as [string?];
  reader.close();
  if (isTerminal) process.stderr.write("\n");
  return line ?? "";
}
