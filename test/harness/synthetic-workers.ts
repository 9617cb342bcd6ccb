import { silentLog } from "@multimaster/core";
import { createSocketTransport, formatBasicAuth, Link, masterRequests, parseRequest } from "@multimaster/wire";
import { WebSocket } from "ws";
import { onCleanup } from "./cleanup.ts";
import { SyntheticPbWorker } from "./synthetic-pb-worker.ts";

export interface SyntheticWorkersOptions {
  /** Where the master (or the balancer before it) listens for workers. */
  port: number;
  names: readonly string[];
  password: string;
  /** Called with the text of every command that begins, except a master's look at directories. */
  onCommand?(command: string, worker: string): void;
  /** Called when a master has taken a worker. */
  onTaken?(worker: string): void;
  /** Default: MessagePack. */
  protocol?: "msgpack" | "pb";
  /** How long a master may take to accept a connection; default: 5 s, as for buildbot-worker with MessagePack. */
  handshakeTimeoutMs?: number;
}

/**
 * Many workers in one process: the real protocol over real connections, but commands only pretend. `sleep N` takes N
 * seconds, everything else none; each sends a line of output, `print N MB` that many lines of 70 characters. They
 * reconnect as buildbot-worker does.
 */
export interface SyntheticWorkers {
  readonly all: readonly (SyntheticWorker | SyntheticPbWorker)[];
  stop(): Promise<void>;
}

export function startSyntheticWorkers(options: SyntheticWorkersOptions): SyntheticWorkers {
  const Kind = options.protocol === "pb" ? SyntheticPbWorker : SyntheticWorker;
  const all = options.names.map((name) => new Kind(name, options));
  const stop = async () => {
    forget();
    for (const worker of all) worker.stop();
  };
  const forget = onCleanup(stop);
  return { all, stop };
}

/** One of them. */
export class SyntheticWorker {
  readonly name: string;
  /** Connections that a master accepted: it sent its settings. Those refused afterwards count too. */
  connections = 0;
  #options: SyntheticWorkersOptions;
  #socket: WebSocket | undefined;
  #running = new Map<string, { end(rc: number): void }>();
  #stopped = false;
  /** Failures to connect in a row. */
  #failures = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(name: string, options: SyntheticWorkersOptions) {
    this.name = name;
    this.#options = options;
    this.#connect();
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
    this.#socket?.terminate();
  }

  #connect(): void {
    const { port, password, handshakeTimeoutMs = 5000 } = this.#options;
    const socket = new WebSocket(`ws://127.0.0.1:${port}/`, {
      headers: { Authorization: formatBasicAuth(this.name, password) },
      handshakeTimeout: handshakeTimeoutMs,
      perMessageDeflate: false,
    });
    this.#socket = socket;
    let upgraded = false;
    socket.on("error", () => undefined);
    socket.once("upgrade", () => {
      upgraded = true;
      this.#failures = 0;
      this.#serve(socket);
    });
    // An answer that is no upgrade shows that a server is there.
    socket.once("unexpected-response", (request) => {
      this.#failures = 0;
      request.destroy();
      socket.terminate();
    });
    socket.once("close", () => {
      if (!upgraded) this.#failures += 1;
      this.#comeBack();
    });
  }

  #comeBack(): void {
    if (this.#stopped) return;
    const seconds = Math.min(1.5 ** Math.max(1, this.#failures), 60) + Math.random();
    this.#timer = setTimeout(() => this.#connect(), seconds * 1000);
  }

  #serve(socket: WebSocket): void {
    const transport = createSocketTransport(socket, { log: silentLog, peer: "the master" });
    const link: Link = new Link(transport, {
      log: silentLog,
      peer: "the master",
      onBadFrame: "ignore",
      onRequest: (op, fields) => {
        const request = parseRequest(masterRequests, op, fields);
        switch (request.op) {
          case "get_worker_info":
            return describeItself(this.name);
          case "set_worker_settings":
            this.connections += 1;
            this.#options.onTaken?.(this.name);
            return null;
          case "start_command":
            this.#start(link, request.fields);
            return null;
          case "interrupt_command":
            this.#running.get(String(request.fields.command_id))?.end(-1);
            return null;
          default:
            return null;
        }
      },
    });
  }

  #start(link: Link, { command_id, command_name, args }: StartCommand): void {
    const id = String(command_id);
    if (command_name !== "shell") return this.#answer(link, id, command_name);
    const command = String(args["command"]);
    this.#options.onCommand?.(command, this.name);
    const seconds = Number(/^sleep ([\d.]+)$/.exec(command)?.[1] ?? 0);
    const end = (rc: number) => {
      clearTimeout(timer);
      if (!this.#running.delete(id)) return;
      const megabytes = Number(/^print (\d+) MB$/.exec(command)?.[1] ?? 0);
      const last = [lineOf(`${command} on ${this.name}`), ["rc", rc], ["elapsed", seconds]];
      // No one may be left to hear it.
      printLines(link, id, megabytes)
        .then(() => complete(link, id, last))
        .catch(() => undefined);
    };
    const timer = setTimeout(end, seconds * 1000, 0);
    this.#running.set(id, { end });
  }

  /** A Buildbot master lists and makes directories; there are none. */
  #answer(link: Link, id: string, name: string): void {
    const files = name === "listdir" || name === "glob" ? [["files", []]] : [];
    complete(link, id, [...files, ["rc", 0], ["elapsed", 0]]).catch(() => undefined);
  }
}

interface StartCommand {
  readonly command_id: unknown;
  readonly command_name: string;
  readonly args: Readonly<Record<string, unknown>>;
}

async function complete(link: Link, id: string, args: readonly unknown[]): Promise<void> {
  await link.request("update", { command_id: id, args });
  await link.request("complete", { command_id: id, args: null });
}

function lineOf(line: string): unknown {
  return ["stdout", [`${line}\n`, [line.length], [Date.now() / 1000]]];
}

/** Updates of 64 kB, as buildbot-worker sends them; a few are on their way at a time. */
async function printLines(link: Link, id: string, megabytes: number): Promise<void> {
  const width = 71;
  const lines = Math.floor(65_536 / width);
  const text = `${"x".repeat(width - 1)}\n`.repeat(lines);
  const ends = Array.from({ length: lines }, (_, i) => (i + 1) * width - 1);
  const updates = Math.ceil((megabytes * 1_000_000) / text.length);
  let sent = 0;
  async function send(): Promise<void> {
    while (sent++ < updates) {
      const times = ends.map(() => Date.now() / 1000);
      await link.request("update", { command_id: id, args: [["stdout", [text, ends, times]]] });
    }
  }
  await Promise.all(Array.from({ length: 8 }, send));
}

function describeItself(name: string): unknown {
  const commands = ["shell", "mkdir", "rmdir", "stat", "glob", "listdir", "uploadFile", "downloadFile"];
  return {
    basedir: `/var/lib/${name}`,
    system: "posix",
    version: "4.3.0",
    numcpus: 1,
    environ: { PATH: "/usr/bin:/bin", HOME: `/var/lib/${name}` },
    worker_commands: Object.fromEntries(commands.map((command) => [command, "3.3"])),
    admin: "nobody",
    host: "synthetic",
  };
}
