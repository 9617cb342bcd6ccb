import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setUpOnDemand } from "../setup.mjs";
import { freePort, isListening } from "./ports.ts";
import { startProcess } from "./processes.ts";
import { temporaryDirectory } from "./temporary-directory.ts";
import { waitFor } from "./wait-for.ts";

/** A room at a real homeserver, and a user who may write there. */
export interface SynapseRoom {
  readonly url: string;
  readonly room: string;
  readonly token: string;
  /** A request as this user. */
  ask(method: string, path: string, body?: object): Promise<Record<string, unknown>>;
}

/** Starts Synapse, on SQLite and without federation; a user may write `burst` messages at a time. */
export async function startSynapse({ burst }: { readonly burst: number }): Promise<SynapseRoom> {
  const directory = temporaryDirectory("synapse");
  const port = await freePort();
  const config = {
    server_name: "example.org",
    pid_file: join(directory, "pid"),
    listeners: [{ port, tls: false, type: "http", bind_addresses: ["127.0.0.1"], resources: [{ names: ["client"] }] }],
    database: { name: "sqlite3", args: { database: join(directory, "homeserver.db") } },
    media_store_path: join(directory, "media"),
    signing_key_path: join(directory, "signing.key"),
    macaroon_secret_key: "a secret of the test",
    form_secret: "another secret of the test",
    trusted_key_servers: [],
    report_stats: false,
    enable_registration: true,
    enable_registration_without_verification: true,
    rc_message: { per_second: 0.1, burst_count: burst },
  };
  const file = join(directory, "homeserver.yaml");
  // YAML takes JSON.
  writeFileSync(file, JSON.stringify(config));
  const command = join(setUpOnDemand("synapse"), "bin", "python");
  const base = ["-m", "synapse.app.homeserver", "--config-path", file];
  const keys = await startProcess({ name: "synapse", command, args: [...base, "--generate-keys"], cwd: directory });
  await keys.waitForExit({ timeoutMs: 60_000 });
  const server = await startProcess({ name: "synapse", command, args: base, cwd: directory, stopSignal: "SIGTERM" });
  await waitFor(async () => server.exit() !== undefined || (await isListening(port)), {
    what: `Synapse to listen on port ${port}`,
    timeoutMs: 120_000,
  });
  const url = `http://127.0.0.1:${port}`;
  let token: string | undefined;
  const ask: SynapseRoom["ask"] = async (method, path, body) => {
    const answer = await fetch(`${url}/_matrix/client/v3/${path}`, {
      method,
      headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
      ...(body && { body: JSON.stringify(body) }),
    });
    return (await answer.json()) as Record<string, unknown>;
  };
  const account = { username: "builds", password: "pa55word", auth: { type: "m.login.dummy" } };
  token = String((await ask("POST", "register", account))["access_token"]);
  const room = String((await ask("POST", "createRoom", { name: "builds" }))["room_id"]);
  return { url, room, token, ask };
}
