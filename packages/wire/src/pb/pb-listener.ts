import type { Socket } from "node:net";
import { BytePort, type BytePortOptions } from "../ports/byte-port.ts";
import { waitForFirstByte } from "./first-byte.ts";
import { PbPort, type PbPortOptions } from "./pb-port.ts";

/** Workers that speak pb, the default protocol of every buildbot-worker. */
export interface PbListenerOptions extends Pick<PbPortOptions, "passwordMd5Of" | "refresh" | "takes"> {
  /** A port of its own. Absent: they come to the port of the others, where a client that stays silent is taken for one of them. */
  own?: { host: string; port: number | readonly number[] };
}

/** Where workers with pb come in: at a port of their own, or among the silent clients of another. */
export class PbListener {
  #options: PbListenerOptions & Omit<PbPortOptions, "onIdentified">;
  #own: BytePort | undefined;

  constructor(
    options: PbListenerOptions &
      Omit<PbPortOptions, "onIdentified"> &
      Pick<BytePortOptions, "certificate" | "sendsProxyHeader">,
  ) {
    this.#options = options;
    const { own, log, certificate, sendsProxyHeader } = options;
    if (own === undefined) return;
    const port = new BytePort({ ...own, what: "pb worker", log, certificate, sendsProxyHeader });
    port.on("connection", (socket) => this.#take(socket, port));
    this.#own = port;
  }

  /** No port of its own. */
  get sharesPort(): boolean {
    return this.#own === undefined;
  }

  async start(): Promise<void> {
    await this.#own?.start();
  }

  address(): { host: string; port: number } | undefined {
    return this.#own?.address();
  }

  /** Waits for the client's first byte: who sends one is passed on, who stays silent is spoken to. */
  takeIfSilent(socket: Socket, port: BytePort, passOn: () => void): void {
    waitForFirstByte(socket, passOn, () => this.#take(socket, port));
  }

  close(): void {
    this.#own?.close();
  }

  async stop(): Promise<void> {
    await this.#own?.stop();
  }

  #take(socket: Socket, port: BytePort): void {
    const onIdentified = () => port.identified(socket);
    new PbPort({ ...this.#options, onIdentified }).accept(socket, port.addressOf(socket));
  }
}
