import { connect, type Socket } from "node:net";

/** Asks one master over one connection that stays, as cheaply as it can, so that what is measured is the master. */
export class HttpClient {
  readonly #socket: Socket;
  readonly #host: string;
  #received: Buffer[] = [];
  #size = 0;
  #wanted = -1;
  #done: ((bytes: number) => void) | undefined;
  #fail: ((error: Error) => void) | undefined;

  constructor(url: URL) {
    this.#host = url.host;
    this.#socket = connect(Number(url.port), url.hostname);
    this.#socket.setNoDelay(true);
    this.#socket.on("data", (data) => this.#read(data));
    this.#socket.on("error", (error) => this.#fail?.(error));
  }

  /** Resolves to the bytes of the whole answer. */
  get(path: string): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#done = resolve;
      this.#fail = reject;
      this.#socket.write(`GET ${path} HTTP/1.1\r\nHost: ${this.#host}\r\nAccept: application/json\r\n\r\n`);
    });
  }

  close(): void {
    this.#socket.destroy();
  }

  #read(data: Buffer): void {
    this.#received.push(data);
    this.#size += data.length;
    if (this.#wanted < 0) this.#readHead();
    if (this.#wanted < 0 || this.#size < this.#wanted) return;
    const size = this.#size;
    this.#received = [];
    this.#size = 0;
    this.#wanted = -1;
    this.#done?.(size);
  }

  #readHead(): void {
    const head = Buffer.concat(this.#received).toString("latin1");
    const end = head.indexOf("\r\n\r\n");
    if (end < 0) return;
    if (!head.startsWith("HTTP/1.1 200 ")) return void this.#fail?.(new Error(head.slice(0, end)));
    const length = /\r\ncontent-length: (\d+)/i.exec(head.slice(0, end));
    if (!length) return void this.#fail?.(new Error("an answer without a length"));
    this.#wanted = end + 4 + Number(length[1]);
  }
}
