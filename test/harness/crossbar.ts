import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { componentDirectory } from "../setup.mjs";
import { onCleanup } from "./cleanup.ts";
import { type HardenedRouter, hardenedRouterConfig, routerEnvironment, routerTickets } from "./hardened-router.ts";
import { freePort, isListening, waitUntilClosed } from "./ports.ts";
import { isAlive, listChildren, sendSignal, startProcess, type TestProcess } from "./processes.ts";
import { temporaryDirectory } from "./temporary-directory.ts";
import { waitFor } from "./wait-for.ts";

export interface CrossbarOptions {
  port?: number;
  /** Default: one, "buildbot". */
  realms?: readonly string[];
  /** Whether it reports which sessions join and leave (default true). */
  metaApi?: boolean;
  /** The router config of configs/deploy instead of one that lets everybody do everything. */
  hardened?: boolean | Omit<HardenedRouter, "realm" | "port">;
}

/** A real crossbar.io router of the test's own; without authentication unless it is hardened. */
export interface TestCrossbar {
  /** ws:// or wss:// URL of the router. */
  readonly url: string;
  /** What to log in with as "master" or "observer" when it is hardened. */
  readonly tickets: typeof routerTickets;
  /** The first of its realms. */
  readonly realm: string;
  readonly port: number;
  /** SIGKILL to all of it; resolves when the port is free. */
  kill(): Promise<void>;
  /** Starts it (again) on the same port; resolves when it listens. */
  start(): Promise<void>;
  /** SIGSTOP to the router process: connections stay open and nothing answers. */
  freeze(): void;
  thaw(): void;
  /** Ends it in order: clients see a clean close. `start()` brings it back. */
  stop(): Promise<void>;
}

/** Starts a router, which takes 4 to 10 s. */
export async function startCrossbar(options: CrossbarOptions = {}): Promise<TestCrossbar> {
  const realms = options.realms ?? ["buildbot"];
  const [realm = "buildbot"] = realms;
  const port = options.port ?? (await freePort());
  const directory = join(temporaryDirectory("crossbar"), ".crossbar");
  mkdirSync(directory);
  const hardened = options.hardened === true ? {} : options.hardened || undefined;
  if (hardened) writeFileSync(join(directory, "config.yaml"), hardenedRouterConfig({ ...hardened, realm, port }));
  else
    writeFileSync(
      join(directory, "config.json"),
      JSON.stringify(routerConfig(realms, port, options.metaApi ?? true), undefined, 2),
    );
  let controller: TestProcess | undefined;
  let routers: number[] = [];

  async function start(): Promise<void> {
    if (controller && !controller.exit()) return;
    // A controller that was killed leaves it behind, and the next one would refuse to start.
    rmSync(join(directory, "node.pid"), { force: true });
    const started = await startProcess({
      name: "crossbar",
      command: join(componentDirectory("crossbar"), "bin", "crossbar"),
      args: ["start", "--cbdir", directory, "--loglevel", "info", "--color", "false"],
      cwd: directory,
      env: {
        PYTHONUNBUFFERED: "1",
        CROSSBAR_DIR: undefined,
        ...routerEnvironment,
      },
      stopSignal: "SIGTERM",
      stopTimeoutMs: 20_000,
    }).catch((error: Error) => {
      throw new Error(`crossbar is not set up: run \`node test/setup.mjs\` first (${error.message})`, { cause: error });
    });
    controller = started;
    await waitFor(async () => started.exit() !== undefined || (await isListening(port)), {
      what: `crossbar to listen on port ${port}`,
      timeoutMs: 120_000,
    });
    if (started.exit()) throw new Error(`crossbar ended at its start:\n${started.output().slice(-4_000)}`);
    routers = listChildren(started.pid);
  }

  const crossbar: TestCrossbar = {
    url: `${hardened?.tls ? "wss" : "ws"}://127.0.0.1:${port}/ws`,
    tickets: routerTickets,
    realm,
    port,
    async kill() {
      const processes = controller && !controller.exit() ? [...routers, controller.pid] : routers;
      for (const pid of processes) sendSignal(pid, "SIGKILL");
      await controller?.exited;
      await waitFor(() => !routers.some(isAlive), { what: "the router process to end" });
      await waitUntilClosed(port, "crossbar");
    },
    start,
    freeze: () => routers.forEach((pid) => void sendSignal(pid, "SIGSTOP")),
    thaw: () => routers.forEach((pid) => void sendSignal(pid, "SIGCONT")),
    async stop() {
      crossbar.thaw();
      await controller?.stop();
      await waitUntilClosed(port, "crossbar");
    },
  };
  await start();
  onCleanup(() => crossbar.kill());
  return crossbar;
}

function routerConfig(realms: readonly string[], port: number, metaApi: boolean): object {
  const everything = { call: true, register: true, publish: true, subscribe: true };
  return {
    version: 2,
    workers: [
      {
        type: "router",
        realms: realms.map((name) => ({
          name,
          options: { enable_meta_api: metaApi },
          roles: [
            {
              name: "anonymous",
              permissions: [
                {
                  uri: "",
                  match: "prefix",
                  allow: everything,
                  disclose: { caller: false, publisher: false },
                  cache: true,
                },
              ],
            },
          ],
        })),
        transports: [
          {
            type: "websocket",
            id: "masters",
            endpoint: { type: "tcp", port, interface: "127.0.0.1", backlog: 1024 },
            serializers: ["json", "msgpack", "cbor"],
            options: {
              enable_webstatus: false,
              show_server_version: false,
              max_frame_size: 1 << 20,
              max_message_size: 1 << 20,
              auto_fragment_size: 65_536,
              fail_by_drop: true,
              open_handshake_timeout: 2_500,
              close_handshake_timeout: 1_000,
              auto_ping_interval: 2_000,
              auto_ping_timeout: 2_000,
              auto_ping_size: 12,
              tcp_nodelay: true,
            },
          },
        ],
      },
    ],
  };
}
