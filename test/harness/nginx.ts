import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { findBalancer, nginxStreamModule } from "../setup.mjs";
import { freePort, freePorts, isListening, waitUntilClosed } from "./ports.ts";
import { startProcess, type TestProcess } from "./processes.ts";
import { temporaryDirectory } from "./temporary-directory.ts";
import { waitFor } from "./wait-for.ts";

export interface NginxOptions {
  /** Ports of 127.0.0.1 where engines may come to listen for workers; default: four free ones. */
  engines?: readonly number[];
  /** Ports of 127.0.0.1 where ui masters may come to listen; default: four free ones. */
  uis?: readonly number[];
}

/** A real nginx with the project's own config, in front of places where masters may come to listen. */
export interface TestNginx {
  readonly workersPort: number;
  readonly usersPort: number;
  /** The users' base URL. */
  readonly url: string;
  readonly enginePorts: readonly number[];
  readonly uiPorts: readonly number[];
  readonly process: TestProcess;
  /** Reads the config again: connections stay with the former processes. */
  reload(): void;
  stop(): Promise<void>;
}

const config = fileURLToPath(new URL("../../configs/deploy/nginx/multimaster.conf", import.meta.url));

/** Starts the balancer; resolves when both of its ports listen. */
export async function startNginx(options: NginxOptions = {}): Promise<TestNginx> {
  const program = findBalancer("nginx");
  if (!program) throw new Error("nginx is not set up: run `node test/setup.mjs` first");
  const enginePorts = options.engines ?? (await freePorts(4));
  const uiPorts = options.uis ?? (await freePorts(4));
  const [workersPort = 0, usersPort = 0] = [await freePort(), await freePort()];
  const directory = temporaryDirectory("nginx");
  const file = join(directory, "nginx.conf");
  const servers = { multimaster_engines: enginePorts, multimaster_ui: uiPorts };
  writeFileSync(
    join(directory, "multimaster.conf"),
    renderNginxConfig(readFileSync(config, "utf8"), { 9989: workersPort, 80: usersPort }, servers),
  );
  writeFileSync(file, surroundings(directory));
  const running = await startProcess({
    name: "nginx",
    command: program,
    args: ["-p", directory, "-c", file, "-e", "stderr"],
    stopSignal: "SIGTERM",
  });
  await waitFor(
    async () => running.exit() !== undefined || ((await isListening(workersPort)) && (await isListening(usersPort))),
    { what: `nginx to listen on ports ${workersPort} and ${usersPort}` },
  );
  if (running.exit()) throw new Error(`nginx ended at its start:\n${running.output().slice(-4_000)}`);
  return {
    workersPort,
    usersPort,
    url: `http://127.0.0.1:${usersPort}/`,
    enginePorts,
    uiPorts,
    process: running,
    reload: () => running.signal("SIGHUP"),
    async stop() {
      await running.stop();
      await waitUntilClosed(workersPort, "nginx");
    },
  };
}

/** A real nginx that forwards the bytes of workers to engines at these ports. Returns its port. */
export async function startNginxForWorkers(enginePorts: readonly number[]): Promise<number> {
  const port = await freePort();
  const directory = temporaryDirectory("nginx-stream");
  const text = readFileSync(join(dirname(config), "workers-stream.conf"), "utf8");
  const rendered = renderNginxConfig(text, { 9989: port }, { multimaster_engines: enginePorts });
  writeFileSync(join(directory, "workers-stream.conf"), rendered);
  const file = join(directory, "nginx.conf");
  writeFileSync(file, aroundStream(directory));
  await startProcess({
    name: "nginx",
    command: findBalancer("nginx") ?? "nginx",
    args: ["-p", directory, "-c", file, "-e", "stderr"],
    stopSignal: "SIGTERM",
  });
  await waitFor(() => isListening(port), { what: `nginx to listen on port ${port}` });
  return port;
}

/** A real nginx that serves a ui below `/ci/`. Returns its port. */
export async function startNginxBelow(uiPort: number): Promise<number> {
  const port = await freePort();
  const directory = temporaryDirectory("nginx-below");
  const upstream = `http://127.0.0.1:${uiPort}`;
  writeFileSync(
    join(directory, "multimaster.conf"),
    [
      "map $http_upgrade $connection_upgrade { default upgrade; '' close; }",
      `server {\n  listen 127.0.0.1:${port};`,
      "  location /ci/ {",
      `    proxy_pass ${upstream}/;`,
      "    proxy_http_version 1.1;",
      "    proxy_set_header Upgrade $http_upgrade;",
      "    proxy_set_header Connection $connection_upgrade;",
      "    proxy_set_header Host $http_host;",
      "    proxy_buffering off;",
      "  }",
      "}",
    ].join("\n"),
  );
  const file = join(directory, "nginx.conf");
  writeFileSync(file, surroundings(directory));
  await startProcess({
    name: "nginx",
    command: findBalancer("nginx") ?? "nginx",
    args: ["-p", directory, "-c", file, "-e", "stderr"],
    stopSignal: "SIGTERM",
  });
  await waitFor(() => isListening(port), { what: `nginx to listen on port ${port}` });
  return port;
}

/** The config as an operator would adapt it: other ports and servers, the same settings. */
function renderNginxConfig(
  text: string,
  ports: Readonly<Record<number, number>>,
  servers: Readonly<Record<string, readonly number[]>>,
): string {
  let upstream = "";
  const done = new Set<string>();
  const lines = text.split("\n").flatMap((line) => {
    upstream = /^upstream (\w+)/.exec(line)?.[1] ?? upstream;
    const listen = /^(\s+listen) (\d+)(.*)$/.exec(line);
    if (listen) return [`${listen[1]} 127.0.0.1:${ports[Number(listen[2])]}${listen[3]}`];
    const place = /^\s+server \S+(.*)$/.exec(line);
    if (!place) return [line];
    if (done.has(upstream)) return [];
    done.add(upstream);
    return (servers[upstream] ?? []).map((port) => `  server 127.0.0.1:${port}${place[1]}`);
  });
  if (done.size !== Object.keys(servers).length)
    throw new Error("the nginx config of configs/deploy does not look as the harness expects");
  return lines.join("\n");
}

/** The whole file around workers-stream.conf. */
export function aroundStream(directory: string): string {
  return [
    // Where the module is no part of the program.
    ...(existsSync(nginxStreamModule) ? [`load_module ${nginxStreamModule};`] : []),
    ...(process.getuid?.() === 0 ? ["user root;"] : []),
    "daemon off;",
    `pid ${join(directory, "nginx.pid")};`,
    "error_log stderr warn;",
    "events { worker_connections 2000; }",
    "stream { include workers-stream.conf; }",
    "",
  ].join("\n");
}

/** What a distribution's nginx.conf has around the files of conf.d. */
function surroundings(directory: string): string {
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
    (name) => `  ${name}_temp_path ${join(directory, name)};`,
  );
  return [
    ...(process.getuid?.() === 0 ? ["user root;"] : []),
    "daemon off;",
    "worker_processes 2;",
    `pid ${join(directory, "nginx.pid")};`,
    "error_log stderr warn;",
    "events { worker_connections 2000; }",
    "http {",
    ...temporary,
    "  access_log off;",
    "  include multimaster.conf;",
    "}",
    "",
  ].join("\n");
}
