import { createHash } from "node:crypto";
import { connect, type Socket } from "node:net";
import { pack } from "./scripted-pb-worker.ts";

export interface SyntheticPbWorkerOptions {
  readonly port: number;
  readonly password: string;
  onCommand?(command: string, worker: string): void;
  onTaken?(worker: string): void;
}

type Value = number | string | Buffer | readonly Value[];
/** Of what a master sends: strings are kept as bytes, everything that is no list or string is a number. */
type Received = number | Buffer | readonly Received[];

/** A worker with the pb protocol whose commands only pretend: `sleep N` takes N seconds, everything else none. */
export class SyntheticPbWorker {
  readonly name: string;
  /** Connections that a master accepted: it listed its builders. */
  connections = 0;
  #options: SyntheticPbWorkerOptions;
  #socket: Socket | undefined;
  #stopped = false;
  #comeBack: NodeJS.Timeout | undefined;

  constructor(name: string, options: SyntheticPbWorkerOptions) {
    this.name = name;
    this.#options = options;
    this.#connect();
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#comeBack);
    this.#socket?.destroy();
  }

  /** Comes back as buildbot-worker 2.4 and newer does. */
  #connect(): void {
    const socket = connect(this.#options.port, "127.0.0.1");
    this.#socket = socket;
    const connection = new Connection(socket, this.name, this.#options, () => (this.connections += 1));
    let rest = Buffer.alloc(0);
    socket.setNoDelay(true);
    socket.on("error", () => undefined);
    socket.on("data", (chunk: Buffer) => {
      rest = Buffer.concat([rest, chunk]);
      for (let read = readExpression(rest, 0); read; read = readExpression(rest, 0)) {
        rest = rest.subarray(read.end);
        connection.take(read.value);
      }
    });
    socket.on("close", () => {
      connection.end();
      if (!this.#stopped) this.#comeBack = setTimeout(() => this.#connect(), 1500 + Math.random() * 1000);
    });
  }
}

class Connection {
  #socket: Socket;
  #name: string;
  #options: SyntheticPbWorkerOptions;
  #onListed: () => void;
  #lastCall = 0;
  /** Commands that run, by the object of the builder that runs each. */
  #running = new Map<number, { end(rc: number): void }>();

  constructor(socket: Socket, name: string, options: SyntheticPbWorkerOptions, onListed: () => void) {
    this.#socket = socket;
    this.#name = name;
    this.#options = options;
    this.#onListed = onListed;
  }

  take(expression: Received): void {
    const [word, number, ...rest] = expression as readonly Received[];
    switch (String(word)) {
      case "pb":
        this.#send("none", ["version", 6]);
        return this.#call("root", "login", this.#name);
      case "answer":
        // The first call is the login, the second one its proof; the others are of commands.
        if (number === 1) this.#respond(rest[0] as readonly Received[]);
        return;
      case "message":
        return this.#answer(number as number, rest[0] as number, String(rest[1]), rest[3] as readonly Received[]);
    }
  }

  end(): void {
    for (const { end } of [...this.#running.values()]) end(-1);
  }

  #respond([, challenge, challenger]: readonly Received[]): void {
    const secret = createHash("md5").update(this.#options.password, "utf8").digest();
    const digest = createHash("md5")
      .update(secret)
      .update(challenge as Buffer)
      .digest();
    this.#call((challenger as readonly [Buffer, number])[1], "respond", digest, ["remote", 1]);
  }

  #answer(number: number, object: number, method: string, [, ...args]: readonly Received[]): void {
    const answer = (value: Value) => this.#send(["answer", number, value]);
    switch (method) {
      case "getWorkerInfo":
        return answer(describeItself(this.#name));
      case "getVersion":
        return answer(text("4.3.0"));
      case "setBuilderList": {
        const names = (args[0] as readonly Received[]).slice(1).map((entry) => textOf((entry as Received[])[1]));
        answer(["dictionary", ...names.map((name, n): Value => [text(name), ["remote", n + 2]])]);
        this.#onListed();
        return this.#options.onTaken?.(this.#name);
      }
      case "startCommand":
        answer(nothing);
        return this.#start(object, args);
      case "interruptCommand":
        answer(nothing);
        return this.#running.get(object)?.end(-1);
      default:
        return answer(nothing);
    }
  }

  #start(builder: number, [command, , name, given]: readonly Received[]): void {
    const target = (command as readonly [Buffer, number])[1];
    const line = textOf(name) === "shell" ? commandOf(given as readonly Received[]) : "";
    if (line !== "") this.#options.onCommand?.(line, this.#name);
    const seconds = Number(/^sleep ([\d.]+)$/.exec(line)?.[1] ?? 0);
    const end = (rc: number) => {
      clearTimeout(timer);
      if (!this.#running.delete(builder) || this.#socket.destroyed) return;
      const lists = textOf(name) === "listdir" || textOf(name) === "glob";
      const update = (key: string, value: Value) =>
        this.#call(target, "update", ["list", ["list", ["dictionary", [text(key), value]], 0]]);
      if (line !== "") update("stdout", text(`${line} on ${this.#name}\n`));
      if (lists) update("files", ["list"]);
      // A number below zero would need another type byte.
      update("rc", Math.abs(rc));
      this.#call(target, "complete", nothing);
    };
    const timer = setTimeout(end, seconds * 1000, 0);
    this.#running.set(builder, { end });
  }

  #call(object: number | string, method: string, ...args: Value[]): void {
    this.#lastCall += 1;
    this.#send(["message", this.#lastCall, object, method, 1, ["tuple", ...args], ["dictionary"]]);
  }

  #send(...values: Value[]): void {
    if (this.#socket.writable) this.#socket.write(Buffer.concat(values.map(pack)));
  }
}

const nothing: Value = ["None"];

function text(value: string): Value {
  return ["unicode", value];
}

/** The text of `["unicode" bytes]`, or of bytes. */
function textOf(value: Received | undefined): string {
  return String(Array.isArray(value) ? value[1] : value);
}

function commandOf(dictionary: readonly Received[]): string {
  const pairs = dictionary.slice(1) as readonly (readonly Received[])[];
  const value = pairs.find(([key]) => textOf(key) === "command")?.[1];
  // A command is a text, or a list of texts.
  const items = Array.isArray(value) && String(value[0]) === "list" ? value.slice(1) : [value];
  return items.map((item) => textOf(item as Received)).join(" ");
}

function describeItself(name: string): Value {
  const commands = ["shell", "mkdir", "rmdir", "stat", "glob", "listdir", "uploadFile", "downloadFile"];
  const dictionary = (entries: Record<string, Value>): Value => [
    "dictionary",
    ...Object.entries(entries).map(([key, value]): Value => [text(key), value]),
  ];
  return dictionary({
    basedir: text(`/var/lib/${name}`),
    system: text("posix"),
    version: text("4.3.0"),
    numcpus: 1,
    delete_leftover_dirs: 0,
    environ: dictionary({ PATH: text("/usr/bin:/bin"), HOME: text(`/var/lib/${name}`) }),
    worker_commands: dictionary(Object.fromEntries(commands.map((command) => [command, text("3.3")]))),
    admin: text("nobody"),
    host: text("synthetic"),
  });
}

/** Reads one value of banana, or undefined if its end has not arrived. The master is trusted. */
function readExpression(bytes: Buffer, from: number): { value: Received; end: number } | undefined {
  let number = 0;
  let at = from;
  for (let scale = 1; at < bytes.length && (bytes[at] as number) < 0x80; at += 1, scale *= 128)
    number += (bytes[at] as number) * scale;
  if (at >= bytes.length) return undefined;
  const type = bytes[at];
  at += 1;
  if (type === 0x82) {
    const end = at + number;
    return end > bytes.length ? undefined : { value: Buffer.from(bytes.subarray(at, end)), end };
  }
  if (type === 0x84) return at + 8 > bytes.length ? undefined : { value: bytes.readDoubleBE(at), end: at + 8 };
  if (type !== 0x80) return { value: type === 0x83 || type === 0x86 ? -number : number, end: at };
  const items: Received[] = [];
  for (let n = 0; n < number; n += 1) {
    const item = readExpression(bytes, at);
    if (item === undefined) return undefined;
    items.push(item.value);
    at = item.end;
  }
  return { value: items, end: at };
}
