import { createToken, listTokens, revokeToken, type TokenStatus } from "@multimaster/operator/api-tokens";
import { loadClusterConfig } from "@multimaster/operator/load-cluster-config";
import { describeUnknownRoles } from "@multimaster/operator/unknown-roles";
import type { Command } from "commander";
import { configOption, gatherList, parseDuration, parseName } from "../options.ts";
import { formatTable } from "../table.ts";
import { formatWhen } from "../when.ts";

interface CreateFlags {
  config: string;
  role?: string[];
  readOnly?: boolean;
  expires?: number;
}

/** `master token create|list|revoke`: the tokens by which programs authenticate to ui masters. */
export function addToken(program: Command): void {
  const token = program.command("token").description("create, list and revoke API tokens for programs");

  token
    .command("create")
    .description("create a token, and print it: it cannot be shown again")
    .argument("<name>", "the token's name, under which its actions are recorded", parseName)
    .addOption(configOption())
    .option("--role <role>", "role in the config's authorization; repeatable", gatherList)
    .option("--read-only", "the token permits only reading")
    .option("--expires <time>", 'lifetime of the token, such as "90d"; unlimited by default', parseDuration)
    .action(async (name: string, { config: file, role: roles = [], readOnly, expires }: CreateFlags) => {
      const scope = readOnly ? "read" : "all";
      const config = await loadClusterConfig(file);
      const secret = await createToken(config, { name, roles, scope, lifetimeMs: expires });
      process.stdout.write(`${secret}\n`);
      const warning = await describeUnknownRoles(config, roles);
      if (warning !== undefined) process.stderr.write(`master: ${warning}\n`);
    });

  token
    .command("list")
    .description("show the tokens, valid or not, and when they were last used")
    .addOption(configOption())
    .option("--json", "as JSON")
    .action(async ({ config: file, json }: { config: string; json?: boolean }) => {
      const tokens = await listTokens(await loadClusterConfig(file));
      process.stdout.write(json ? `${JSON.stringify(tokens, null, 2)}\n` : formatTokens(tokens));
    });

  token
    .command("revoke")
    .description("make a token invalid from now on")
    .argument("<name>", "its name")
    .addOption(configOption())
    .action(async (name: string, { config: file }: { config: string }) => {
      await revokeToken(await loadClusterConfig(file), name);
      process.stdout.write(`The token ${name} is revoked.\n`);
    });

  for (const command of token.commands) command.exitOverride();
}

function formatTokens(tokens: readonly TokenStatus[]): string {
  return formatTable(
    ["name", "roles", "may", "state", "made", "expires", "last used"],
    tokens.map(({ name, roles, scope, state, made_at, expires_at, used_at }) => [
      name,
      roles.join(", "),
      scope === "read" ? "read" : "read and act",
      state,
      formatWhen(made_at),
      expires_at === null ? "never" : formatWhen(expires_at),
      used_at === null ? "never" : formatWhen(used_at),
    ]),
    "There are no tokens.",
  );
}
