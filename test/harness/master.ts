import { fileURLToPath } from "node:url";
import { startProcess, type TestProcess } from "./processes.ts";
import { temporaryDirectory } from "./temporary-directory.ts";
import { waitFor } from "./wait-for.ts";

/** The `master` command of this checkout. */
export const masterProgram = fileURLToPath(new URL("../../packages/cli/bin/master.mjs", import.meta.url));

export interface MasterOptions {
  /** The config file. */
  config: string;
  /** Default: all roles. */
  roles?: readonly string[];
  /** Builder sets of a builder engine; default: all. */
  builders?: readonly string[];
  name?: string;
  env?: Record<string, string | undefined>;
  /** More arguments of `master start`. */
  args?: readonly string[];
  /** Where it runs; default: a directory of its own. */
  cwd?: string;
  /** Another checkout's `master.mjs`, to measure against. */
  program?: string;
  /** Arguments of node itself. */
  nodeArgs?: readonly string[];
}

/** One line of the master's log. */
export interface LogLine {
  level?: number | string;
  service?: string;
  msg?: string;
  url?: string;
  [field: string]: unknown;
}

export interface ApiAnswer<Body = unknown> {
  status: number;
  body: Body;
}

/** A master process: the built program, as an operator starts it. */
export interface TestMaster {
  readonly process: TestProcess;
  readonly name: string | undefined;
  /** The ui's base URL, once it listens. */
  url(): Promise<string>;
  /** Where workers connect (ws://127.0.0.1:PORT/), once it listens. */
  workerUrl(): Promise<string>;
  workerPort(): Promise<number>;
  /** GET of a path under the API (`builds?limit=1`); any status is an answer. */
  api<Body = unknown>(path: string, init?: RequestInit): Promise<ApiAnswer<Body>>;
  /** A JSON-RPC action: POST of {method, params}. */
  apiPost<Body = unknown>(path: string, method: string, params?: object): Promise<ApiAnswer<Body>>;
  /** GET of any path of the ui, as text. */
  fetch(path: string, init?: RequestInit): Promise<Response>;
  /** Waits until all of its services have started. */
  waitReady(timeoutMs?: number): Promise<void>;
  waitForLog(match: (line: LogLine) => boolean, what: string, timeoutMs?: number): Promise<LogLine>;
  /** What it logged so far. */
  logLines(): LogLine[];
  /** Everything it printed. */
  log(): string;
  /** Asks it to finish its work and end. */
  sigterm(): void;
  kill9(): Promise<void>;
  freeze(): void;
  thaw(): void;
  /** SIGTERM, then SIGKILL after 20 s. */
  stop(): Promise<void>;
}

export async function startMaster(options: MasterOptions): Promise<TestMaster> {
  const child = await startProcess({
    name: `master ${options.name ?? options.roles?.join(",") ?? "(all roles)"}`,
    command: process.execPath,
    args: [
      ...plantedFault(options.env),
      ...(options.nodeArgs ?? []),
      options.program ?? masterProgram,
      "start",
      "--config",
      options.config,
      ...(options.roles ?? []).flatMap((role) => ["--role", role]),
      ...(options.builders ?? []).flatMap((set) => ["--builders", set]),
      ...(options.name ? ["--name", options.name] : []),
      ...(options.args ?? []),
    ],
    cwd: options.cwd ?? temporaryDirectory("master"),
    // Any port: masters of other tests may run at the same time.
    // A fault is planted in a file of the compiled program, which the bundle does not read.
    env: { MONITOR_PORT: "0", ...(isPlanted(options.env) ? { MULTIMASTER_UNBUNDLED: "1" } : {}), ...options.env },
    stopTimeoutMs: 20_000,
  });
  return ownMaster(child, options);
}

function isPlanted(env: MasterOptions["env"] = {}): boolean {
  return Boolean(env["PLANTED_FAULT"] ?? process.env["PLANTED_FAULT"]);
}

/** Set when a scenario is to show that it notices a missing safeguard (test/cluster/planted-faults.test.ts), or does without it. */
function plantedFault(env: MasterOptions["env"]): string[] {
  return isPlanted(env) ? ["--import", new URL("plant-fault.mjs", import.meta.url).href] : [];
}

function ownMaster(child: TestProcess, options: MasterOptions): TestMaster {
  const logLines = (): LogLine[] => child.output().split("\n").flatMap(parseLogLine);

  async function waitForLog(match: (line: LogLine) => boolean, what: string, timeoutMs = 60_000): Promise<LogLine> {
    const found = await waitFor(() => logLines().find(match) ?? (child.exit() ? "ended" : undefined), {
      what: `${child.name} to log ${what}`,
      timeoutMs,
    }).catch((error: Error) => {
      throw new Error(`${error.message}; it printed:\n${child.output().slice(-4_000)}`);
    });
    if (found !== "ended") return found;
    throw new Error(
      `${child.name} ended (${JSON.stringify(child.exit())}) before it logged ${what}:\n${child.output().slice(-4_000)}`,
    );
  }

  const listening = async (service: string): Promise<string> => {
    const line = await waitForLog((l) => l.service === service && l.msg === "listening", `that its ${service} listens`);
    return String(line.url);
  };

  const master: TestMaster = {
    process: child,
    name: options.name,
    url: () => listening("ui"),
    workerUrl: () => listening("worker-server"),
    workerPort: async () => Number(new URL(await master.workerUrl()).port),
    async api<Body>(path: string, init?: RequestInit) {
      const response = await master.fetch(`api/v2/${path}`, init);
      const text = await response.text();
      return { status: response.status, body: parseJson(text) as Body };
    },
    async apiPost<Body>(path: string, method: string, params: object = {}) {
      const post = () =>
        master.api<Body>(path, {
          method: "POST",
          headers: { "content-type": "application/json" },
          body: JSON.stringify({ jsonrpc: "2.0", id: 1, method, params }),
        });
      // A scheduler publishes its form a moment after its master is ready.
      const isForm = path.startsWith("forceschedulers/");
      for (let tries = 1; ; tries++) {
        const answer = await post();
        if (!isForm || answer.status !== 404 || tries === 20) return answer;
        await new Promise((resolve) => setTimeout(resolve, 250));
      }
    },
    fetch: async (path, init) => fetch(new URL(path.replace(/^\//, ""), await master.url()), init),
    async waitReady(timeoutMs = 60_000) {
      await waitForLog((line) => line.msg === "master is ready", "that it is ready", timeoutMs);
    },
    waitForLog,
    logLines,
    log: () => child.output(),
    sigterm: () => child.signal("SIGTERM"),
    kill9: () => child.kill(),
    freeze: () => child.freeze(),
    thaw: () => child.thaw(),
    stop: () => child.stop(),
  };
  return master;
}

function parseLogLine(text: string): LogLine[] {
  if (!text.startsWith("{")) return [];
  const value = parseJson(text);
  return typeof value === "object" && value !== null ? [value as LogLine] : [];
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
