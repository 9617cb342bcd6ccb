import { loadClusterConfig } from "@multimaster/operator/load-cluster-config";
import { endSessions, type ListedSession, readSessions } from "@multimaster/operator/login-sessions";
import type { Command } from "commander";
import { configOption } from "../options.ts";
import { formatTable } from "../table.ts";
import { formatWhen } from "../when.ts";

/** `master sessions list|end`: the sessions of users in browsers. */
export function addSessions(program: Command): void {
  const sessions = program.command("sessions").description("list and end the sessions of users in browsers");

  sessions
    .command("list")
    .description("show the valid sessions")
    .addOption(configOption())
    .option("--json", "as JSON")
    .action(async ({ config: file, json }: { config: string; json?: boolean }) => {
      const found = await readSessions(await loadClusterConfig(file));
      process.stdout.write(json ? `${JSON.stringify(found, null, 2)}\n` : format(found));
    });

  sessions
    .command("end")
    .description("log a user out of all sessions immediately")
    .argument("<user>", "the user's name")
    .addOption(configOption())
    .action(async (user: string, { config: file }: { config: string }) => {
      const ended = await endSessions(await loadClusterConfig(file), user);
      process.stdout.write(`${ended} ${ended === 1 ? "session" : "sessions"} of ${user} ended.\n`);
    });

  for (const command of sessions.commands) command.exitOverride();
}

function format(sessions: readonly ListedSession[]): string {
  return formatTable(
    ["user", "login", "began", "ends"],
    sessions.map(({ username, method, began_at, expires_at }) => [
      username,
      method,
      formatWhen(began_at),
      formatWhen(expires_at),
    ]),
    "No sessions.",
  );
}
