import { createHash } from "node:crypto";
import { connect, type Socket } from "node:net";
import { waitFor } from "./wait-for.ts";

type Value = number | string | Buffer | readonly Value[];

/** The far end of a pb connection, of which a test decides every byte. It speaks without a vocabulary. */
export class ScriptedPbWorker {
  readonly socket: Socket;
  /** Everything that the master sent. */
  received: Buffer = Buffer.alloc(0);
  #ended = false;

  /** From another address of this machine, if one is given. */
  constructor(port: number, localAddress?: string) {
    this.socket = connect({ port, host: "127.0.0.1", ...(localAddress === undefined ? {} : { localAddress }) });
    this.socket.on("data", (chunk: Buffer) => {
      this.received = Buffer.concat([this.received, chunk]);
    });
    this.socket.on("error", () => undefined);
    this.socket.on("close", () => {
      this.#ended = true;
    });
  }

  get ended(): boolean {
    return this.#ended;
  }

  send(...values: Value[]): void {
    this.raw(Buffer.concat(values.map(pack)));
  }

  raw(bytes: Uint8Array): void {
    if (this.socket.writable) this.socket.write(bytes);
  }

  /** Waits until the master has sent this text. */
  async heard(text: string): Promise<void> {
    await waitFor(() => this.received.includes(text), {
      what: `the master to send ${JSON.stringify(text)}`,
      timeoutMs: 20_000,
    });
  }

  /** Chooses a dialect and logs in; resolves when the master has answered. */
  async login(name: string, password: string): Promise<void> {
    await this.heard("none");
    this.send("none", ["version", 6], call(1, "root", "login", name));
    await this.heard("tuple");
    // [answer 1 [tuple <16 bytes> [remote 1]]]
    const at = this.received.indexOf("tuple") + 5 + 2;
    await waitFor(() => this.received.length >= at + 16, { what: "the challenge" });
    const challenge = this.received.subarray(at, at + 16);
    const secret = createHash("md5").update(password, "utf8").digest();
    const digest = createHash("md5").update(secret).update(challenge).digest();
    this.send(call(2, 1, "respond", digest, ["remote", 1]));
    await waitFor(() => this.received.length > at + 16 + 20, { what: "the answer to the login" });
  }
}

/** A call of the worker. */
export function call(number: number, object: number | string, method: string, ...args: Value[]): Value {
  return ["message", number, object, method, 1, ["tuple", ...args], ["dictionary"]];
}

/** Packs a value in banana; numbers are not negative. */
export function pack(value: Value): Buffer {
  if (typeof value === "number") return packHead(value, 0x81);
  if (typeof value === "string" || Buffer.isBuffer(value)) {
    const bytes = Buffer.from(value);
    return Buffer.concat([packHead(bytes.length, 0x82), bytes]);
  }
  return Buffer.concat([packHead((value as readonly Value[]).length, 0x80), ...(value as readonly Value[]).map(pack)]);
}

export function packHead(number: number, type: number): Buffer {
  const bytes: number[] = [];
  let left = number;
  do {
    bytes.push(left % 128);
    left = Math.floor(left / 128);
  } while (left > 0);
  return Buffer.from([...bytes, type]);
}
