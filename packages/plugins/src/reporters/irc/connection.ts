import { randomBytes } from "node:crypto";
import { connect as connectPlain, type Socket } from "node:net";
import { createInterface } from "node:readline";
import { connect as connectTls } from "node:tls";
import { onAbort } from "@multimaster/core";
import { type ReporterContext, ReportFailure } from "../../define-reporter.ts";
import { describeTrouble } from "../http/send-request.ts";

export interface IrcOptions {
  readonly host: string;
  readonly port: number;
  readonly tls: boolean;
  readonly nick: string;
  readonly password?: string | undefined;
  readonly channels: readonly string[];
  readonly timeout: number;
  readonly ca?: string | undefined;
}

export interface Irc {
  /** Resolves when the server has handled the lines. */
  write(channels: readonly string[], lines: readonly string[]): Promise<void>;
  close(): Promise<void>;
}

/** Bytes of a line without what the server puts before it. */
const longestLine = 400;

/** A connection that is opened when there is something to write, stays open, and is opened again when it broke. */
export function openIrc(options: IrcOptions, { signal }: Pick<ReporterContext, "signal">): Irc {
  let session: Promise<Session> | undefined;

  async function enter(): Promise<Session> {
    const opened = new Session(options, signal, () => {
      session = undefined;
    });
    try {
      await opened.join();
    } catch (error) {
      // A server that refuses a channel leaves the connection open.
      opened.end();
      throw error;
    }
    return opened;
  }

  return {
    async write(channels, lines) {
      session ??= enter();
      const current = session;
      try {
        await (await current).write(channels, lines);
      } catch (error) {
        if (session === current) session = undefined;
        (await current.catch(() => undefined))?.end();
        if (error instanceof ReportFailure) throw error;
        throw new ReportFailure(`${options.host} ${describeTrouble(error)}`, { of: "target" }, { cause: error });
      }
    },
    async close() {
      const current = await session?.catch(() => undefined);
      current?.end();
    },
  };
}

/** Shows what would be written. */
export function previewIrc(show: (what: string) => void): Irc {
  return {
    write: async (channels, lines) => show(`${channels.join(", ")}: ${lines.join("\n")}`),
    close: async () => undefined,
  };
}

interface Expected {
  readonly fits: (line: string) => boolean;
  resolve(line: string): void;
  reject(error: Error): void;
}

class Session {
  #options: IrcOptions;
  #socket: Socket;
  #expected: Expected[] = [];
  #isWriting = false;
  #nick: string;

  constructor(options: IrcOptions, signal: AbortSignal, onEnd: () => void) {
    this.#options = options;
    this.#nick = options.nick;
    const { host, port, tls, ca } = options;
    this.#socket = tls
      ? connectTls({ host, port, servername: host, ...(ca !== undefined && { ca }) })
      : connectPlain({ host, port });
    const stop = () => this.#socket.destroy();
    const forget = onAbort(signal, stop);
    const fail = (error: Error) => {
      for (const { reject } of this.#expected.splice(0)) reject(error);
    };
    this.#socket.on("error", fail);
    this.#socket.on("close", () => {
      forget();
      fail(Object.assign(new Error("the connection was closed"), { code: "ECONNRESET" }));
      onEnd();
    });
    const lines = createInterface({ input: this.#socket });
    lines.on("line", (line) => this.#read(line));
    lines.on("error", fail);
  }

  /** Logs in and joins the channels. */
  async join(): Promise<void> {
    const { password, channels } = this.#options;
    if (password !== undefined) this.#send(`PASS ${password}`);
    this.#send(`NICK ${this.#nick}`);
    this.#send(`USER ${this.#options.nick} 0 * :build reports`);
    await this.#expect((line) => readNumeric(line)?.code === "001");
    for (const channel of channels) {
      this.#send(`JOIN ${channel}`);
      await this.#expect((line) => readNumeric(line)?.code === "366");
    }
  }

  /** The answer to a PING that comes behind the lines says that the server has handled them. */
  async write(channels: readonly string[], lines: readonly string[]): Promise<void> {
    const token = randomBytes(8).toString("hex");
    for (const channel of channels)
      for (const line of lines) this.#send(`PRIVMSG ${channel} :${cutBytes(line, longestLine)}`);
    this.#send(`PING ${token}`);
    this.#isWriting = true;
    await this.#expect((line) => /^(?::\S+ )?PONG /.test(line) && line.includes(token));
    this.#isWriting = false;
  }

  end(): void {
    if (this.#socket.writable) this.#send("QUIT :bye");
    this.#socket.destroySoon();
  }

  #send(line: string): void {
    this.#socket.write(`${line.replaceAll(/[\r\n\0]+/g, " ")}\r\n`);
  }

  #read(line: string): void {
    if (line.startsWith("PING")) return this.#send(`PONG${line.slice(4)}`);
    const numeric = readNumeric(line);
    // The nickname is taken, perhaps by the master that had this before.
    if (numeric?.code === "433" && this.#nick.length < 30) {
      this.#nick = `${this.#nick}_`;
      return this.#send(`NICK ${this.#nick}`);
    }
    const [next] = this.#expected;
    if (!next) return;
    if (numeric && refusals.has(numeric.code)) {
      this.#expected.shift();
      const of = numeric.code === "464" || numeric.code === "465" ? "target" : "report";
      next.reject(new ReportFailure(`${this.#options.host} refuses: ${numeric.rest}`, { of }));
    } else if (next.fits(line)) {
      this.#expected.shift();
      next.resolve(line);
    }
  }

  #expect(fits: (line: string) => boolean): Promise<string> {
    const { timeout, host } = this.#options;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#socket.destroy();
        reject(
          new ReportFailure(`${host} did not answer within ${timeout / 1000} s`, {
            of: "target",
            unsure: this.#isWriting,
          }),
        );
      }, timeout);
      const end = <T>(act: (value: T) => void) => {
        return (value: T) => {
          clearTimeout(timer);
          act(value);
        };
      };
      this.#expected.push({ fits, resolve: end(resolve), reject: end(reject) });
    });
  }
}

const refusals: ReadonlySet<string> = new Set(["403", "404", "405", "464", "465", "471", "473", "474", "475", "477"]);

/** An answer of the server itself: what users write in a channel may look like one further behind. */
function readNumeric(line: string): { code: string; rest: string } | undefined {
  const found = /^(?::\S+ )?(\d{3}) \S+ (.*)$/.exec(line);
  return found ? { code: found[1] as string, rest: found[2] as string } : undefined;
}

function cutBytes(text: string, bytes: number): string {
  const whole = Buffer.from(text);
  if (whole.length <= bytes) return text;
  return `${whole
    .subarray(0, bytes)
    .toString("utf8")
    .replace(/\ufffd$/, "")}…`;
}
