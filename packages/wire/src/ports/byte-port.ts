import { EventEmitter } from "node:events";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { createServer as createTlsServer, type Server as TlsServer } from "node:tls";
import { type Logger, listenOnFreePort, type Service } from "@multimaster/core";
import { RefusalLog } from "../refusal-log.ts";
import { UnidentifiedConnections } from "../unidentified-connections.ts";
import { readProxyHeader } from "./read-proxy-header.ts";
import type { ServedCertificate } from "./served-certificate.ts";

export interface BytePortOptions {
  /** Names the port in messages: "worker". */
  readonly what: string;
  readonly host: string;
  /** The first free one of several; 0: any free port. `address()` returns the actual one. */
  readonly port: number | readonly number[];
  readonly log: Logger;
  /** With one, all clients speak TLS. It is started before the port and stopped after it. */
  readonly certificate?: ServedCertificate | undefined;
  /** Whether connections from this address begin with a PROXY header: they must; all others must not. */
  readonly sendsProxyHeader?: ((address: string) => boolean) | undefined;
  /** Keeps a connection whose client has sent its last byte open for the answer. */
  readonly allowHalfOpen?: boolean;
}

/** A client that takes longer for its PROXY header and its TLS handshake together is cut. */
const arrivalMs = 10_000;
/** Maximum number of connections not yet known to be a worker's. A worker's is unidentified for a few milliseconds. */
const maxUnidentified = 1000;

/**
 * A port where clients connect, before any protocol of ours: it takes off TLS and the PROXY header, and emits "connection" with
 * each socket that is ready to be read. Its user calls `identified` for those that have logged in; of the others it keeps a
 * limited number. It owns all sockets until they have closed.
 */
export class BytePort extends EventEmitter<{ connection: [socket: Socket] }> implements Service {
  readonly name: string;
  readonly #options: BytePortOptions;
  readonly #refusals: RefusalLog;
  readonly #server: Server;
  readonly #tls: TlsServer | undefined;
  /** As accepted. */
  readonly #raw = new Set<Socket>();
  readonly #unidentified = new UnidentifiedConnections(maxUnidentified);
  /** By socket as accepted, and as emitted where that is another. */
  readonly #addresses = new WeakMap<Socket, string>();
  readonly #rawOf = new WeakMap<Socket, Socket>();
  /** Connections in the TLS handshake, by the address and port of their peer. */
  readonly #shakingHands = new Map<string, { raw: Socket; arrived(): void }>();
  #unfollow: (() => void) | undefined;
  #address: AddressInfo | undefined;
  #closed: Promise<void> | undefined;

  constructor(options: BytePortOptions) {
    super();
    this.name = `${options.what} port`;
    this.#options = options;
    this.#refusals = new RefusalLog(options.log);
    const { allowHalfOpen = false } = options;
    this.#server = createServer({ allowHalfOpen, noDelay: true }, (raw) => void this.#accept(raw));
    if (options.certificate !== undefined) this.#tls = this.#createTlsServer(allowHalfOpen);
  }

  async start(): Promise<void> {
    const { what, host, port, certificate, log } = this.#options;
    this.#unfollow = certificate?.follow(({ cert, key }) =>
      this.#tls?.setSecureContext({ cert, key, minVersion: "TLSv1.2" }),
    );
    try {
      this.#address = await listenOnFreePort(this.#server, what, host, port);
    } catch (error) {
      this.#unfollow?.();
      throw error;
    }
    this.#server.on("error", (error) => log.error({ err: error }, `the ${what} port failed`));
  }

  address(): { host: string; port: number } {
    if (this.#address === undefined) throw new Error(`the ${this.name} is not open yet`);
    return { host: this.#address.address, port: this.#address.port };
  }

  /** The address of the client: the one that the balancer names in its PROXY header, or else that of the connection. */
  addressOf(socket: Socket): string {
    return this.#addresses.get(socket) ?? socket.remoteAddress ?? "unknown";
  }

  /** The connection is a worker's: it no longer counts among those that may be cut for new ones. */
  identified(socket: Socket): void {
    this.#unidentified.delete(this.#rawOf.get(socket) ?? socket);
  }

  /** Accepts no further connections; those that exist stay. */
  close(): void {
    this.#unfollow?.();
    this.#closed ??= this.#server.listening
      ? new Promise<void>((resolve) => this.#server.close(() => resolve()))
      : Promise.resolve();
  }

  /** Closes the port and every connection. */
  async stop(): Promise<void> {
    this.close();
    for (const raw of this.#raw) raw.destroy();
    await this.#closed;
  }

  async #accept(raw: Socket): Promise<void> {
    const nearest = raw.remoteAddress;
    // It has already gone.
    if (nearest === undefined) return void raw.destroy();
    raw.on("error", () => raw.destroy());
    this.#raw.add(raw);
    this.#unidentified.add(raw);
    // One limit for all of it: a client that sends one byte a second is late too.
    const late = setTimeout(() => this.#refuse(raw, nearest, "it took too long to begin"), arrivalMs);
    raw.once("close", () => {
      clearTimeout(late);
      this.#raw.delete(raw);
    });
    if (this.#options.sendsProxyHeader?.(nearest) === true && !(await this.#takeProxyHeader(raw, nearest))) return;
    const arrived = (): void => clearTimeout(late);
    if (this.#tls !== undefined) return this.#shakeHands(this.#tls, raw, arrived);
    arrived();
    this.emit("connection", raw);
  }

  /** Returns whether the connection goes on. */
  async #takeProxyHeader(raw: Socket, nearest: string): Promise<boolean> {
    const arrival = await readProxyHeader(raw);
    if (arrival.kind === "refused")
      this.#refuse(raw, nearest, `${arrival.why}, which proxyProtocol requires from there`);
    if (arrival.kind === "ended") raw.destroy();
    if (arrival.kind !== "arrived" || raw.destroyed) return false;
    if (arrival.address !== undefined) {
      this.#addresses.set(raw, arrival.address);
      this.#unidentified.rename(raw, arrival.address);
    }
    return true;
  }

  #shakeHands(tls: TlsServer, raw: Socket, arrived: () => void): void {
    const peer = peerOf(raw);
    this.#shakingHands.set(peer, { raw, arrived });
    raw.once("close", () => {
      if (this.#shakingHands.get(peer)?.raw === raw) this.#shakingHands.delete(peer);
    });
    tls.emit("connection", raw);
  }

  #createTlsServer(allowHalfOpen: boolean): TlsServer {
    const tls = createTlsServer({ allowHalfOpen, minVersion: "TLSv1.2" }, (socket) => {
      socket.on("error", () => socket.destroy());
      const peer = peerOf(socket);
      const found = this.#shakingHands.get(peer);
      if (found === undefined) return socket.destroy();
      this.#shakingHands.delete(peer);
      found.arrived();
      this.#rawOf.set(socket, found.raw);
      const address = this.#addresses.get(found.raw);
      if (address !== undefined) this.#addresses.set(socket, address);
      this.emit("connection", socket);
    });
    tls.on("tlsClientError", (error: NodeJS.ErrnoException, socket) => {
      const raw = this.#shakingHands.get(peerOf(socket))?.raw;
      // A balancer's health check hangs up in the middle.
      const hungUp = error.code === "ECONNRESET";
      if (!hungUp)
        this.#warn(raw === undefined ? "unknown" : this.addressOf(raw), `its TLS handshake failed (${explain(error)})`);
      socket.destroy();
      raw?.destroy();
    });
    return tls;
  }

  #refuse(raw: Socket, from: string, why: string): void {
    if (raw.bytesRead > 0) this.#warn(from, why);
    raw.destroy();
  }

  #warn(from: string, why: string): void {
    this.#refusals.warn(`${from} ${why}`, `A client from ${from} on the ${this.name} was refused: ${why}.`);
  }
}

/** Names a connection of one port: no two open ones have the same. */
function peerOf(socket: Socket): string {
  return `${socket.remoteAddress} ${socket.remotePort}`;
}

function explain({ code, message }: NodeJS.ErrnoException): string {
  if (code === "ERR_SSL_HTTP_REQUEST" || code === "ERR_SSL_WRONG_VERSION_NUMBER") return "it does not speak TLS";
  if (code === "ERR_SSL_UNSUPPORTED_PROTOCOL") return "it speaks no TLS of version 1.2 or newer";
  if (code === "ERR_SSL_TLSV1_ALERT_UNKNOWN_CA") return "it does not trust the authority of our certificate";
  return code ?? message.slice(0, 100);
}
