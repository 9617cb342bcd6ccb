import type { Command } from "commander";
import { type Api, createApi } from "./api.ts";
import { findServer, type ServerFlags } from "./profile.ts";

/** How long a command that asks one thing tries to reach somebody. */
const onceMs = 3_000;
/** How long one that follows does: as long as a cluster may be upgraded or a host started again. */
const followingMs = 15 * 60_000;

export interface ClientFlags extends ServerFlags {
  json?: boolean;
}

/** The options by which a command finds its ui master. */
export function serverOptions(command: Command): Command {
  return command
    .option(
      "--url <url>",
      "a ui master, or the balancer in front of them (default: $MULTIMASTER_URL, or the client file)",
    )
    .option("--profile <name>", "the profile of the client file to use")
    .option("--token-file <file>", "file with the API token (default: $MULTIMASTER_TOKEN, or the client file)");
}

/** The options that all commands have which ask a ui master. */
export function clientOptions(command: Command): Command {
  return serverOptions(command).option("--json", "as JSON");
}

/** The ui master that is meant. A command that follows gives its signal; it survives that master's death, and says so. */
export async function connect(flags: ServerFlags, following?: AbortSignal, patienceMs = followingMs): Promise<Api> {
  const server = await findServer(flags);
  if (!following) return createApi({ server, patienceMs: onceMs });
  return createApi({
    server,
    patienceMs,
    signal: following,
    onConnection(state, why) {
      const text = state === "lost" ? `no answer from ${server.url} (${why}); trying on` : "connected again";
      process.stderr.write(`master: ${text}\n`);
    },
  });
}
