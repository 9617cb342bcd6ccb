import { once } from "node:events";
import { createInterface } from "node:readline";
import { Writable } from "node:stream";
import { errors } from "@multimaster/core";

/** Reads a password, or another secret, from the first line of standard input. A terminal does not echo it. */
export async function readPassword(prompt = "Password: ", empty = "The password is empty."): Promise<string> {
  const isTerminal = process.stdin.isTTY;
  const hidden = new Writable({ write: (_chunk, _encoding, done) => done() });
  const reader = createInterface({ input: process.stdin, output: hidden, terminal: isTerminal });
  if (isTerminal) process.stderr.write(prompt);
  const [line] = (await Promise.race([once(reader, "line"), once(reader, "close")])) as [string?];
  reader.close();
  if (isTerminal) process.stderr.write("\n");
  if (line === undefined || line === "") throw errors.requestInvalid(empty);
  return line;
}
