import type { Command } from "commander";
import { type Api, createApi } from "./api.ts";
import { findServer, type ServerFlags } from "./profile.ts";

/** How long a command with a single request tries to reach a master. */
const onceMs = 3_000;
/** How long a following command tries: as long as an upgrade of the cluster or a restart of a host may take. */
const followingMs = 15 * 60_000;

export interface ClientFlags extends ServerFlags {
  json?: boolean;
}

/** The options by which a command finds its ui master. */
export function serverOptions(command: Command): Command {
  return command
    .option(
      "--url <url>",
      "URL of a ui master, or of the balancer in front of them (default: $MULTIMASTER_URL, or the client file)",
    )
    .option("--profile <name>", "the profile of the client file to use")
    .option("--token-file <file>", "file with the API token (default: $MULTIMASTER_TOKEN, or the client file)");
}

/** The options of all commands that use a ui master. */
export function clientOptions(command: Command): Command {
  return serverOptions(command).option("--json", "as JSON");
}

/** Connects to the selected ui master. A following command passes its signal; it survives that master's death and reports it. */
export async function connect(flags: ServerFlags, following?: AbortSignal, retryForMs = followingMs): Promise<Api> {
  const server = await findServer(flags);
  if (!following) return createApi({ server, retryForMs: onceMs });
  return createApi({
    server,
    retryForMs,
    signal: following,
    onConnection(state, why) {
      const text = state === "lost" ? `no answer from ${server.url} (${why}); retrying` : "connected again";
      process.stderr.write(`master: ${text}\n`);
    },
  });
}
