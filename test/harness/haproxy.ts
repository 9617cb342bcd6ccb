import { readFileSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { findBalancer } from "../setup.mjs";
import { onCleanup } from "./cleanup.ts";
import { freePorts, isListening, waitUntilClosed } from "./ports.ts";
import { isAlive, listChildren, sendSignal, startProcess, type TestProcess } from "./processes.ts";
import { renderHaproxyConfig } from "./render-haproxy-config.ts";
import { temporaryDirectory } from "./temporary-directory.ts";
import { waitFor } from "./wait-for.ts";

export interface HaproxyOptions {
  /** Ports of 127.0.0.1 where engines may come to listen for workers; default: four free ones. */
  engines?: readonly number[];
  /** Ports of 127.0.0.1 where ui masters may come to listen; default: four free ones. */
  uis?: readonly number[];
  /** A PEM file of certificate and key: both front ends then speak TLS. */
  certificate?: string;
  /** It names each worker's address to the engine in a PROXY header. */
  proxyProtocol?: boolean;
}

/** A server of a backend as HAProxy sees it. */
export interface HaproxyServer {
  backend: "engines" | "engines-pb" | "ui";
  name: string;
  port: number;
  /** `UP`, `NOLB` (answers that it is not ready), `DOWN`, `MAINT`; with a detail when it is about to change. */
  status: string;
  /** Connections or requests it has now, and had so far. */
  current: number;
  total: number;
  /** Attempts that were sent to another server after this one failed them. */
  redispatched: number;
}

/**
 * A real HAProxy with the project's own config, in front of places where masters may come to listen: its health check
 * finds those that do, so that a rolling upgrade changes nothing here.
 */
export interface TestHaproxy {
  /** Where workers connect. */
  readonly workersPort: number;
  /** Where workers with the pb protocol connect. */
  readonly pbWorkersPort: number;
  /** Where users connect. */
  readonly usersPort: number;
  /** The users' base URL. */
  readonly url: string;
  /** The places behind it; give each master one, or all of them as its range of ports. */
  readonly enginePorts: readonly number[];
  readonly uiPorts: readonly number[];
  readonly process: TestProcess;
  servers(): Promise<HaproxyServer[]>;
  /** Every figure that HAProxy keeps (`show stat`), by the names of its columns. */
  stats(): Promise<Record<string, string>[]>;
  /** Waits until the master at this port gets work from the balancer (or, `ready: false`, does not). */
  waitForServer(port: number, ready?: boolean): Promise<HaproxyServer>;
  /** A command of its runtime API, such as `set server engines/engine-1 state maint`; returns the answer. */
  command(text: string): Promise<string>;
  /** Reads the config again, as `systemctl reload` does: connections stay with the former process. */
  reload(): Promise<void>;
  /** SIGKILL to all of it. */
  kill(): Promise<void>;
  freeze(): void;
  thaw(): void;
  /** Kills it; clients are cut. `start()` starts it again. */
  stop(): Promise<void>;
  start(): Promise<void>;
}

const config = fileURLToPath(new URL("../../configs/deploy/haproxy/haproxy.cfg", import.meta.url));

/** Starts the balancer; resolves when both of its ports listen. */
export async function startHaproxy(options: HaproxyOptions = {}): Promise<TestHaproxy> {
  const program = findBalancer("haproxy");
  if (!program) throw new Error("HAProxy is not set up: run `node test/setup.mjs` first");
  const enginePorts = options.engines ?? (await freePorts(4));
  const uiPorts = options.uis ?? (await freePorts(4));
  const [workersPort, pbWorkersPort, usersPort, redirectPort] = (await freePorts(4)) as [
    number,
    number,
    number,
    number,
  ];
  const directory = temporaryDirectory("haproxy");
  const file = join(directory, "haproxy.cfg");
  const socket = join(directory, "admin.sock");
  const tls = options.certificate !== undefined;
  writeFileSync(
    file,
    renderHaproxyConfig(readFileSync(config, "utf8"), {
      binds: { 9989: workersPort, 9988: pbWorkersPort, 80: tls ? redirectPort : usersPort, 443: usersPort },
      servers: { engines: enginePorts, "engines-pb": enginePorts, ui: uiPorts },
      socket,
    }),
  );
  let running: TestProcess;

  async function start(): Promise<void> {
    running = await startProcess({
      name: "haproxy",
      command: program as string,
      args: ["-W", "-f", file],
      env: { TLS_CERTIFICATE: options.certificate, PROXY_PROTOCOL: options.proxyProtocol ? "1" : undefined },
      stopSignal: "SIGTERM",
    });
    await waitFor(
      async () =>
        running.exit() !== undefined ||
        ((await isListening(workersPort)) && (await isListening(usersPort)) && (await pidOf(haproxy)) > 0),
      { what: `haproxy to listen on ports ${workersPort} and ${usersPort}` },
    );
    if (running.exit()) throw new Error(`haproxy ended at its start:\n${running.output().slice(-4_000)}`);
  }

  const all = () => [...listChildren(running.pid), running.pid];
  const haproxy: TestHaproxy = {
    workersPort,
    pbWorkersPort,
    usersPort,
    url: `${tls ? "https" : "http"}://127.0.0.1:${usersPort}/`,
    enginePorts,
    uiPorts,
    get process() {
      return running;
    },
    stats: async () => parseCsv(await haproxy.command("show stat")),
    servers: async () =>
      (await haproxy.stats())
        .filter((row) => /^(UP|NOLB|DOWN|MAINT|DRAIN)/.test(row["status"] ?? "") && row["svname"] !== "BACKEND")
        .map(toServer),
    waitForServer: (port, ready = true) =>
      waitFor(
        async () => {
          const found = (await haproxy.servers()).filter((server) => server.port === port);
          return found.every(({ status }) => status.startsWith("UP") === ready) && found[0];
        },
        { what: `haproxy to ${ready ? "find the master" : "send nothing to"} at port ${port}`, timeoutMs: 60_000 },
      ),
    command: (text) => ask(socket, text),
    async reload() {
      const before = listChildren(running.pid);
      running.signal("SIGUSR2");
      await waitFor(() => listChildren(running.pid).some((pid) => !before.includes(pid)), {
        what: "haproxy to reload",
      });
      // The socket belongs to the new process as soon as that is ready.
      await waitFor(async () => ![0, ...before].includes(await pidOf(haproxy)), {
        what: "the new haproxy process to answer",
      });
    },
    async kill() {
      const processes = all();
      for (const pid of processes) sendSignal(pid, "SIGKILL");
      await running.exited;
      await waitFor(() => !processes.some(isAlive), { what: "haproxy to end" });
    },
    freeze: () => all().forEach((pid) => void sendSignal(pid, "SIGSTOP")),
    thaw: () => all().forEach((pid) => void sendSignal(pid, "SIGCONT")),
    async stop() {
      haproxy.thaw();
      await running.stop();
      await waitUntilClosed(workersPort, "haproxy");
    },
    start,
  };
  await start();
  onCleanup(() => haproxy.kill());
  return haproxy;
}

/** The process that answers on the socket; 0 while the socket is not there: a process that starts puts it in the place of another's. */
async function pidOf(haproxy: TestHaproxy): Promise<number> {
  const info = await haproxy.command("show info").catch(() => "");
  return Number(/^Pid: (\d+)/m.exec(info)?.[1] ?? 0);
}

/** One command of the runtime API: it answers and closes. */
function ask(socket: string, command: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const connection = connect(socket);
    let answer = "";
    connection.setEncoding("utf8");
    connection.setTimeout(10_000, () => connection.destroy(new Error(`haproxy does not answer "${command}"`)));
    connection.on("data", (text: string) => (answer += text));
    connection.on("error", reject);
    connection.on("end", () => resolve(answer));
    connection.end(`${command}\n`);
  });
}

function parseCsv(text: string): Record<string, string>[] {
  const [header = "", ...lines] = text.replace(/^# /, "").trim().split("\n");
  const names = header.split(",");
  return lines.map((line) => Object.fromEntries(line.split(",").map((value, i) => [names[i] ?? "", value])));
}

function toServer(row: Record<string, string>): HaproxyServer {
  return {
    backend: row["pxname"] as HaproxyServer["backend"],
    name: row["svname"] ?? "",
    port: Number(/:(\d+)$/.exec(row["addr"] ?? "")?.[1]),
    status: row["status"] ?? "",
    current: Number(row["scur"]),
    total: Number(row["stot"]),
    redispatched: Number(row["wredis"]),
  };
}
