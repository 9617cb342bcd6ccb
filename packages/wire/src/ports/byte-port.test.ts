import { copyFileSync, writeFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from "node:tls";
import { type Logger, silentLog, systemClock } from "@multimaster/core";
import { expect, it } from "vitest";
import { makeCertificate, type TestCertificate } from "../../../../test/harness/certificate.ts";
import { onCleanup } from "../../../../test/harness/cleanup.ts";
import { temporaryDirectory } from "../../../../test/harness/temporary-directory.ts";
import { BytePort, type BytePortOptions } from "./byte-port.ts";
import { ServedCertificate } from "./served-certificate.ts";

const proxied = "PROXY TCP4 192.0.2.7 10.0.0.1 40000 9989\r\n";

/** A port that answers each line with the client's address and the line. */
async function openPort(more: Partial<BytePortOptions> = {}) {
  const logged: string[] = [];
  const warn = (...args: unknown[]) => void logged.push(String(args.at(-1)));
  const log = { ...silentLog, warn, error: warn } as unknown as Logger;
  const port = new BytePort({ what: "worker", host: "127.0.0.1", port: 0, log, ...more });
  port.on("connection", (socket) => {
    socket.on("error", () => undefined);
    socket.on("data", (bytes) => void socket.write(`${port.addressOf(socket)} ${bytes.toString()}`));
  });
  await port.start();
  onCleanup(() => port.stop());
  return { port, logged, number: port.address().port };
}

/** What the port sends until `end` matches or it closes. */
function hear(socket: Socket, end = /\n/): Promise<string> {
  return new Promise((resolve) => {
    let text = "";
    socket.on("data", (bytes) => {
      text += bytes.toString();
      if (end.test(text)) resolve(text);
    });
    socket.on("error", () => undefined);
    socket.once("close", () => resolve(text));
  });
}

function speak(port: number, bytes: string): Promise<string> {
  const socket = connect(port, "127.0.0.1", () => socket.write(bytes));
  onCleanup(async () => void socket.destroy());
  return hear(socket);
}

function openTls(port: number, options: ConnectionOptions): TLSSocket {
  const socket = connectTls({ port, host: "127.0.0.1", rejectUnauthorized: false, ...options });
  socket.on("error", () => undefined);
  onCleanup(async () => void socket.destroy());
  return socket;
}

const serialOf = (socket: TLSSocket) =>
  new Promise<string | undefined>((resolve) => {
    socket.once("secureConnect", () => resolve(socket.getPeerCertificate().serialNumber));
    socket.once("close", () => resolve(undefined));
  });

async function serve({ certificate, key }: { certificate: string; key: string }, log: Logger = silentLog) {
  const served = new ServedCertificate({ files: { certificate, key }, clock: systemClock, log, pollMs: 20 });
  await served.start();
  onCleanup(() => served.stop());
  return served;
}

it("requires a PROXY header from the balancers and names the address in it", async () => {
  const { number, logged } = await openPort({ sendsProxyHeader: (address) => address === "127.0.0.1" });
  expect(await speak(number, `${proxied}hello\n`)).toBe("192.0.2.7 hello\n");
  expect(await speak(number, "PROXY UNKNOWN\r\nhello\n")).toBe("127.0.0.1 hello\n");
  expect(logged).toEqual([]);
  expect(await speak(number, "hello\n")).toBe("");
  expect(await speak(number, "PROXY TCP4 x\r\nhello\n")).toBe("");
  expect(logged).toEqual([
    expect.stringContaining("it does not begin with a PROXY header, which proxyProtocol requires from there"),
    expect.stringContaining("its PROXY line is malformed"),
  ]);
});

it("believes no PROXY header of any other client", async () => {
  const { number } = await openPort({ sendsProxyHeader: () => false });
  expect(await speak(number, `${proxied}hello\n`)).toBe(`127.0.0.1 ${proxied}hello\n`);
});

it("waits for a header that arrives byte by byte, and does not report a health check that sends none", async () => {
  const { port, number, logged } = await openPort({ sendsProxyHeader: () => true });
  const socket = connect(number, "127.0.0.1");
  const heard = hear(socket);
  for (const byte of `${proxied}hello\n`) await new Promise((resolve) => socket.write(byte, resolve));
  expect(await heard).toMatch(/^192\.0\.2\.7 /);
  socket.destroy();
  await new Promise<void>((resolve) =>
    connect(number, "127.0.0.1").once("connect", function (this: Socket) {
      this.once("close", () => resolve()).destroy();
    }),
  );
  await port.stop();
  expect(logged).toEqual([]);
});

it("speaks TLS behind a PROXY header, and refuses plain text and old versions", async () => {
  const certificate = await serve(makeCertificate());
  const { number, logged } = await openPort({ certificate, sendsProxyHeader: () => true });
  const raw = connect(number, "127.0.0.1", () => raw.write(proxied));
  const socket = openTls(number, { socket: raw });
  const heard = hear(socket);
  socket.write("hello\n");
  expect(await heard).toBe("192.0.2.7 hello\n");
  expect(socket.getProtocol()).toBe("TLSv1.3");
  expect(logged).toEqual([]);
  await speak(number, `${proxied}GET / HTTP/1.1\r\n\r\n`);
  await expect
    .poll(() => logged)
    .toEqual([
      expect.stringContaining(
        "A client from 192.0.2.7 on the worker port was refused: its TLS handshake failed (it does not speak TLS)",
      ),
    ]);
  const old = connect(number, "127.0.0.1", () => old.write(proxied));
  const ciphers = "DEFAULT@SECLEVEL=0";
  expect(await serialOf(openTls(number, { socket: old, minVersion: "TLSv1.1", maxVersion: "TLSv1.1", ciphers }))).toBe(
    undefined,
  );
});

it("serves a renewed certificate to new clients, and keeps those that are connected", async () => {
  const [first, second] = [makeCertificate(), makeCertificate()];
  const directory = temporaryDirectory("served");
  const files = { certificate: join(directory, "c.pem"), key: join(directory, "k.pem") };
  const put = ({ certificate, key }: TestCertificate) => {
    copyFileSync(key, files.key);
    copyFileSync(certificate, files.certificate);
  };
  put(first);
  const errors: string[] = [];
  const served = await serve(files, {
    ...silentLog,
    error: (...args: unknown[]) => errors.push(String(args.at(-1))),
  } as unknown as Logger);
  const { number } = await openPort({ certificate: served });
  const live = openTls(number, {});
  const before = await serialOf(live);

  // Half of it, for longer than the writing of two files takes: the former stays, and the service says why.
  copyFileSync(second.certificate, files.certificate);
  await expect.poll(() => errors).toEqual([expect.stringContaining("cannot be used; the former one stays in use")]);
  expect(served.failure()?.cause).toContain("is not the key of the certificate");
  expect(await serialOf(openTls(number, {}))).toBe(before);
  writeFileSync(files.certificate, "nonsense");
  await expect.poll(() => served.failure()?.cause).toContain("contains no certificate");
  expect(await serialOf(openTls(number, {}))).toBe(before);

  put(second);
  await expect.poll(() => serialOf(openTls(number, {}))).not.toBe(before);
  expect(served.failure()).toBe(undefined);
  const heard = hear(live);
  live.write("still here\n");
  expect(await heard).toBe("127.0.0.1 still here\n");
});

it("counts as failed once its certificate has expired", async () => {
  const served = await serve(makeCertificate(-1));
  expect(served.failure()?.cause).toContain("has expired");
});
