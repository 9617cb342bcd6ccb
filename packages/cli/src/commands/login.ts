import { errors } from "@multimaster/core";
import type { Command } from "commander";
import { createApi } from "../client/api.ts";
import { clientFilePath, readUrl, saveProfile } from "../client/profile.ts";
import { readPassword } from "../read-password.ts";

interface Flags {
  profile?: string;
}

/** `master login URL`: an API token is read from the terminal, tried, and kept in the client file. */
export function addLogin(program: Command): void {
  program
    .command("login")
    .description("keep the address of a ui master and an API token, so that commands need neither")
    .argument("<url>", "URL of a ui master, or of the balancer in front of them")
    .option("--profile <name>", "keep them as this profile, for commands with --profile")
    .addHelpText(
      "after",
      `
The token is read from the terminal or from standard input; an administrator makes one with "master token create".
It is tried before it is kept, in a file that only you can read.`,
    )
    .action(async (address: string, { profile }: Flags) => {
      const url = readUrl(address);
      const token = await readPassword("API token: ", "The token is empty.");
      if (/\s/.test(token)) throw errors.requestInvalid("The token contains spaces: give the token and nothing else.");
      const { username } = await createApi({ server: { url, token }, retryForMs: 0 }).whoAmI();
      if (username === null) throw errors.requestInvalid(`${url} does not know this token.`);
      await saveProfile(clientFilePath(process.env), profile, { url, token });
      const how = profile === undefined ? "" : ` as profile ${profile}`;
      process.stdout.write(`Logged in to ${url} as ${username}${how}.\n`);
    });
}
