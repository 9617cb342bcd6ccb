import { silentLog } from "@multimaster/core";
import { createSocketTransport, formatBasicAuth, Link, masterRequests, parseRequest } from "@multimaster/wire";
import { WebSocket } from "ws";
import { onCleanup } from "./cleanup.ts";

export interface SyntheticWorkersOptions {
  /** Where the master (or the balancer before it) listens for workers. */
  port: number;
  names: readonly string[];
  password: string;
  /** Called with the text of every command that begins. */
  onCommand?(command: string, worker: string): void;
}

/**
 * Many workers in one process: the real protocol over real connections, but commands only pretend. `sleep N` takes N
 * seconds, everything else none; each sends a line of output. They reconnect as buildbot-worker does.
 */
export interface SyntheticWorkers {
  readonly all: readonly SyntheticWorker[];
  stop(): Promise<void>;
}

export function startSyntheticWorkers(options: SyntheticWorkersOptions): SyntheticWorkers {
  const all = options.names.map((name) => new SyntheticWorker(name, options));
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
    const { port, password } = this.#options;
    const socket = new WebSocket(`ws://127.0.0.1:${port}/`, {
      headers: { Authorization: formatBasicAuth(this.name, password) },
      handshakeTimeout: 5000,
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
            return null;
          case "start_command":
            this.#start(link, String(request.fields.command_id), request.fields.args);
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

  #start(link: Link, id: string, args: Readonly<Record<string, unknown>>): void {
    const command = String(args["command"]);
    this.#options.onCommand?.(command, this.name);
    const seconds = Number(/^sleep ([\d.]+)$/.exec(command)?.[1] ?? 0);
    const end = (rc: number) => {
      clearTimeout(timer);
      if (!this.#running.delete(id)) return;
      const text = `${command} on ${this.name}\n`;
      const update = [
        ["stdout", [text, [text.length - 1], [Date.now() / 1000]]],
        ["rc", rc],
        ["elapsed", seconds],
      ];
      // No one may be left to hear it.
      link
        .request("update", { command_id: id, args: update })
        .then(() => link.request("complete", { command_id: id, args: null }))
        .catch(() => undefined);
    };
    const timer = setTimeout(end, seconds * 1000, 0);
    this.#running.set(id, { end });
  }
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
