import { readFileSync } from "node:fs";
import { isIP } from "node:net";
import type { Writable } from "node:stream";
import { type ConnectionOptions, checkServerIdentity, type PeerCertificate } from "node:tls";
import { errors } from "@multimaster/core/errors";
import { explainFileError } from "@multimaster/core/file-errors";
import pg from "pg";
import { currentHost } from "./postgresql-hosts.ts";

/** The modes of libpq, and the driver's name for a `require` that never looks at the certificate. */
const modes = ["disable", "allow", "prefer", "require", "no-verify", "verify-ca", "verify-full"] as const;
type Mode = (typeof modes)[number];

const tlsParameters = ["ssl", "sslmode", "sslrootcert", "sslcert", "sslkey", "sslpassword", "uselibpqcompat"] as const;

export interface PostgresqlTls {
  /** The URL without what it says of TLS: the driver has an opinion of its own on that. */
  readonly url: string;
  /** As pg takes it. */
  readonly ssl: false | ConnectionOptions;
  /** Whether a server without TLS is talked to in the clear. */
  readonly optional: boolean;
}

/**
 * What a URL says of TLS, with the meaning that libpq gives it: `prefer` and `require` encrypt and do not verify,
 * `verify-ca` verifies who signed the certificate, `verify-full` the host name, too. A URL that says nothing means
 * `prefer`, but no TLS on this machine.
 */
export function readPostgresqlTls(url: string): PostgresqlTls {
  const parsed = new URL(url);
  const of = (name: (typeof tlsParameters)[number]) => parsed.searchParams.get(name) ?? undefined;
  const host = parsed.searchParams.get("host") ?? decodeURIComponent(parsed.hostname);
  const rootFile = of("sslrootcert");
  const mode = readMode(of("sslmode"), of("ssl"), host, rootFile);
  const files = { ca: rootFile === "system" ? undefined : rootFile, cert: of("sslcert"), key: of("sslkey") };
  const passphrase = of("sslpassword");
  for (const name of tlsParameters) parsed.searchParams.delete(name);
  const bare = parsed.toString();
  if (mode === "disable" || mode === "allow" || host.startsWith("/")) return { url: bare, ssl: false, optional: false };
  if (mode === "verify-ca" && files.ca === undefined)
    throw errors.databaseTls("sslmode=verify-ca needs sslrootcert=FILE");
  const ssl: ConnectionOptions = {
    rejectUnauthorized: mode === "verify-ca" || mode === "verify-full",
    ...(passphrase === undefined ? {} : { passphrase }),
  };
  for (const [option, file] of Object.entries(files)) {
    if (file !== undefined) ssl[option as keyof typeof files] = readCertificate(file);
  }
  // The driver names no host where it is an address; Node would compare the certificate with "localhost" then.
  ssl.checkServerIdentity =
    mode === "verify-full"
      ? (_name: string, peer: PeerCertificate) => checkServerIdentity(host, peer)
      : () => undefined;
  return { url: bare, ssl, optional: mode === "prefer" };
}

function readMode(given: string | undefined, ssl: string | undefined, host: string, rootFile?: string): Mode {
  if (given !== undefined) {
    if (!(modes as readonly string[]).includes(given))
      throw errors.databaseTls(`sslmode=${given} is unknown; there are ${modes.join(", ")}`);
    // As libpq does: who names a certificate wants it to count.
    return given === "require" && rootFile !== undefined && rootFile !== "system" ? "verify-ca" : (given as Mode);
  }
  if (ssl === "no-verify") return "no-verify";
  if (ssl !== undefined) return ssl === "0" || ssl === "false" ? "disable" : "verify-full";
  const ofEnvironment = process.env.PGSSLMODE;
  if (ofEnvironment !== undefined && ofEnvironment !== "") return readMode(ofEnvironment, undefined, host, rootFile);
  if (rootFile !== undefined) return "verify-full";
  return isThisMachine(host) ? "disable" : "prefer";
}

function isThisMachine(host: string): boolean {
  const name = host.replace(/^\[(.*)\]$/, "$1").toLowerCase();
  return name === "" || name === "localhost" || name === "::1" || (isIP(name) === 4 && name.startsWith("127."));
}

function readCertificate(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw errors.databaseTls(`${file} cannot be read: ${explainFileError(error) ?? String(error)}`, { cause: error });
  }
}

/** The driver's connection, made public where TLS is agreed on. */
type AgreeingConnection = pg.Connection & {
  readonly stream: NodeJS.ReadableStream;
  connect(port: number, host: string): void;
  attachListeners(stream: NodeJS.ReadableStream): void;
};

/** A connection that goes on in the clear when the server answers that it has no TLS: the driver would give up. */
const plainWithoutTls = class extends (pg.Connection as unknown as new (
  config: pg.ConnectionConfig,
) => AgreeingConnection) {
  override connect(port: number, host: string): void {
    super.connect(port, host);
    const { stream } = this;
    const [upgrade] = stream.listeners("data") as ((answer: Buffer) => void)[];
    if (!upgrade) return;
    stream.removeAllListeners("data");
    stream.once("data", (answer: Buffer) => {
      if (answer.toString("latin1") !== "N") return upgrade(answer);
      this.attachListeners(stream);
      this.emit("sslconnect");
    });
  }
};

/** A connection to PostgreSQL as pg makes it, with TLS as the URL asks for it. Of several servers it takes the current one. */
export class PostgresqlSession extends pg.Client {
  constructor(config: pg.ClientConfig & { connectionString: string }) {
    const { url, ssl, optional } = readPostgresqlTls(currentHost(config.connectionString));
    const { stream, keepAlive } = config;
    const connection = optional && new plainWithoutTls({ ssl, stream, keepAlive } as pg.ConnectionConfig);
    super({ ...config, connectionString: url, ssl, ...(connection && { connection }) } as pg.ClientConfig);
  }

  /** Closes the socket: what waits for an answer fails immediately. */
  cut(): void {
    this.socket.destroy();
  }

  /** What the driver does not declare. */
  get socket(): Writable {
    return (this as unknown as { connection: { stream: Writable } }).connection.stream;
  }
}
