import { randomBytes } from "node:crypto";
import { connect as connectPlain, type Socket } from "node:net";
import { createInterface } from "node:readline";
import { connect as connectTls } from "node:tls";
import { onAbort } from "@multimaster/core";
import { type ReporterContext, ReportFailure } from "../../define-reporter.ts";
import { describeTrouble } from "../http/send-request.ts";
import { limitTime } from "../limit-time.ts";

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
  /** Resolves when the server has handled the lines; with what it says if it refuses the channel. */
  write(channel: string, lines: readonly string[]): Promise<string | undefined>;
  close(): Promise<void>;
}

/** Bytes of a line without what the server puts before it. */
const longestLine = 400;

/** A connection that is opened when there is something to write, stays open, and is opened again when it broke. */
export function openIrc(options: IrcOptions, { signal }: Pick<ReporterContext, "signal">): Irc {
  let session: Promise<Session> | undefined;
  /** Reports of several contexts are sent side by side; what a server answers says only of which channel it is. */
  let turn: Promise<unknown> = Promise.resolve();

  async function enter(): Promise<Session> {
    const opened = new Session(options, signal, () => {
      session = undefined;
    });
    try {
      await opened.enter();
    } catch (error) {
      // A server that refuses the login may leave the connection open.
      opened.end();
      throw error;
    }
    return opened;
  }

  async function write(channel: string, lines: readonly string[]): Promise<string | undefined> {
    session ??= enter();
    const current = session;
    try {
      return await (await current).write(channel, lines);
    } catch (error) {
      if (session === current) session = undefined;
      (await current.catch(() => undefined))?.end();
      if (error instanceof ReportFailure) throw error;
      throw new ReportFailure(`${options.host} ${describeTrouble(error)}`, { of: "target" }, { cause: error });
    }
  }

  return {
    write(channel, lines) {
      const written = turn.then(() => write(channel, lines));
      turn = written.catch(() => undefined);
      return written;
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
    async write(channel, lines) {
      show(`${channel}: ${lines.join("\n")}`);
      return undefined;
    },
    close: async () => undefined,
  };
}

interface Expected {
  readonly fits: (line: string) => boolean;
  /** The channel that it is about, of which the server may say that it refuses it. */
  readonly channel?: string | undefined;
  /** What it has said so. */
  refusal?: string | undefined;
  resolve(refusal: string | undefined): void;
  reject(error: Error): void;
}

class Session {
  #options: IrcOptions;
  #socket: Socket;
  #expected: Expected[] = [];
  #isWriting = false;
  #joined = new Set<string>();
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

  /** Logs in. */
  async enter(): Promise<void> {
    const { password } = this.#options;
    if (password !== undefined) this.#send(`PASS ${password}`);
    this.#send(`NICK ${this.#nick}`);
    this.#send(`USER ${this.#options.nick} 0 * :build reports`);
    await this.#expect((line) => readNumeric(line)?.code === "001");
  }

  /** Joins the channel and writes to it. Returns what the server says if it refuses one of both. */
  async write(channel: string, lines: readonly string[]): Promise<string | undefined> {
    const refusal = (await this.#join(channel)) ?? (await this.#say(channel, lines));
    // One that has put it out of the channel lets it join again, maybe.
    if (refusal === undefined) this.#joined.add(channel);
    else this.#joined.delete(channel);
    return refusal;
  }

  /** A server says nothing to one who is in the channel already, so an answer to a PING behind it is enough. */
  async #join(channel: string): Promise<string | undefined> {
    if (this.#joined.has(channel)) return undefined;
    this.#send(`JOIN ${channel}`);
    const isPong = this.#ping();
    return this.#expect(
      (line) => readNumeric(line)?.code === "366" || isRefusal(line, channel) || isPong(line),
      channel,
    );
  }

  /** Returns what finds its answer. */
  #ping(): (line: string) => boolean {
    const token = randomBytes(8).toString("hex");
    this.#send(`PING ${token}`);
    return (line) => /^(?::\S+ )?PONG /.test(line) && line.includes(token);
  }

  /** The answer to a PING that comes behind the lines says that the server has handled them. */
  async #say(channel: string, lines: readonly string[]): Promise<string | undefined> {
    for (const line of lines) this.#send(`PRIVMSG ${channel} :${cutBytes(line, longestLine)}`);
    const isPong = this.#ping();
    this.#isWriting = true;
    const refusal = await this.#expect(isPong, channel);
    this.#isWriting = false;
    return refusal;
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
    if (numeric && loginRefusals.has(numeric.code)) {
      this.#expected.shift();
      next.reject(new ReportFailure(`${this.#options.host} refuses: ${numeric.rest}`, { of: "target" }));
      return;
    }
    if (next.channel !== undefined && isRefusal(line, next.channel)) next.refusal ??= numeric?.rest;
    if (next.fits(line)) {
      this.#expected.shift();
      next.resolve(next.refusal);
    }
  }

  /** Waits for a line; returns what the server says meanwhile if it refuses the channel. */
  #expect(fits: (line: string) => boolean, channel?: string): Promise<string | undefined> {
    const { timeout, host } = this.#options;
    return new Promise((resolve, reject) => {
      const endLimit = limitTime(timeout, () => {
        this.#socket.destroy();
        reject(
          new ReportFailure(`${host} did not answer within ${timeout / 1000} s`, {
            of: "target",
            unsure: this.#isWriting,
          }),
        );
      });
      const end = <T>(act: (value: T) => void) => {
        return (value: T) => {
          endLimit();
          act(value);
        };
      };
      this.#expected.push({ fits, channel, resolve: end(resolve), reject: end(reject) });
    });
  }
}

/** Of the nickname (431 to 437), and of the password or the machine: nothing gets through. */
const loginRefusals: ReadonlySet<string> = new Set(["431", "432", "433", "436", "463", "464", "465", "466"]);

/** Of a channel; 437 is also one of a nickname. */
const channelRefusals: ReadonlySet<string> = new Set(
  "401 403 404 405 437 442 471 473 474 475 476 477 479 480 489".split(" "),
);

/** Whether the server refuses this channel: answers about another one may still be on their way. */
function isRefusal(line: string, channel: string): boolean {
  const numeric = readNumeric(line);
  return (
    numeric !== undefined &&
    channelRefusals.has(numeric.code) &&
    numeric.rest.split(" ")[0]?.toLowerCase() === channel.toLowerCase()
  );
}

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
