import { randomBytes } from "node:crypto";
import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { get } from "node:https";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Logger, openPasswordMd5, sealPasswordMd5, silentLog, systemClock } from "@multimaster/core";
import { formatBasicAuth, ServedCertificate } from "@multimaster/wire";
import { createWorker } from "@multimaster/worker";
import { expect, it } from "vitest";
import { WebSocket } from "ws";
import { startBuildbotWorker } from "../harness/buildbot-worker.ts";
import { makeCertificate } from "../harness/certificate.ts";
import { onCleanup } from "../harness/cleanup.ts";
import { freePort } from "../harness/ports.ts";
import { startProcess } from "../harness/processes.ts";
import { temporaryDirectory } from "../harness/temporary-directory.ts";
import { waitFor } from "../harness/wait-for.ts";
import { findBalancer } from "../setup.mjs";
import { openWorkerPort } from "./worker-port.ts";

const balancerConfig = fileURLToPath(new URL("../../configs/deploy/haproxy/workers-tls.cfg", import.meta.url));

/** HAProxy with the project's own config for engines that speak TLS, before one engine. */
async function startPassThrough(engine: number): Promise<number> {
  const port = await freePort();
  const lines = readFileSync(balancerConfig, "utf8")
    .replace(/^ {2}(user|group) .*\n/gm, "")
    .replace("maxconn 20000", "maxconn 1000")
    .replace("maxconn 8000", "maxconn 900")
    .replace("bind :9989", `bind 127.0.0.1:${port}`)
    .replace(/^ {2}server engine-1-9990 .*$/m, `  server engine 127.0.0.1:${engine}`)
    .replace(/^ {2}server engine-\d.*\n/gm, "");
  const file = join(temporaryDirectory("pass-through"), "haproxy.cfg");
  writeFileSync(file, lines);
  const args = ["-db", "-f", file];
  const process = await startProcess({ name: "haproxy", command: findBalancer("haproxy") ?? "haproxy", args });
  onCleanup(() => process.kill());
  await waitFor(() => statusOf(port, "/health").then((status) => status === 200), {
    what: "HAProxy to find the engine",
  });
  return port;
}

function statusOf(port: number, path: string): Promise<number | undefined> {
  return new Promise((resolve) => {
    const request = get({ port, host: "127.0.0.1", path, rejectUnauthorized: false, agent: false }, (response) => {
      response.resume();
      resolve(response.statusCode);
    });
    request.on("error", () => resolve(undefined));
  });
}

/** The status of an attempt with this password from this address. */
function attempt(port: number, localAddress: string, password: string): Promise<number> {
  const headers = { Authorization: formatBasicAuth("python", password) };
  const socket = new WebSocket(`wss://127.0.0.1:${port}/`, { headers, localAddress, rejectUnauthorized: false });
  socket.on("error", () => undefined);
  return new Promise((resolve) => {
    socket.once("unexpected-response", (request, response) => {
      request.destroy();
      resolve(response.statusCode ?? 0);
    });
    socket.once("open", () => {
      socket.terminate();
      resolve(101);
    });
  });
}

it("takes a real pb worker by TLS behind the PROXY protocol, at the same port", async () => {
  const { certificate: file, key } = makeCertificate();
  const certificate = new ServedCertificate({ files: { certificate: file, key }, clock: systemClock, log: silentLog });
  await certificate.start();
  onCleanup(() => certificate.stop());
  const sealingKey = randomBytes(32);
  const sealed = sealPasswordMd5(sealingKey, "python", "pass:wörd");
  const engine = await openWorkerPort("python", "pass:wörd", {
    certificate,
    sendsProxyHeader: () => true,
    pb: { passwordMd5Of: (name) => openPasswordMd5(sealingKey, name, sealed), takes: () => true },
  });
  onCleanup(() => engine.stop());
  const port = await startPassThrough(engine.port);
  const roots = temporaryDirectory("roots");
  copyFileSync(file, join(roots, "authority.pem"));
  const python = await startBuildbotWorker({
    port,
    name: "python",
    password: "pass:wörd",
    protocol: "pb",
    options: [`--connection-string=tls:host=127.0.0.1:port=${port}:trustRoots=${roots}`],
  });
  const link = await engine.waitForWorker();
  expect([link.protocol, (await link.getInfo()).version]).toEqual(["pb", "4.3.0"]);
  await python.stop();
});

it("takes real workers by TLS through a balancer that only forwards bytes, and throttles by the address it names", async () => {
  const logged: string[] = [];
  const warn = (...args: unknown[]) => void logged.push(String(args.at(-1)));
  const log = { ...silentLog, warn, error: warn } as unknown as Logger;
  const first = makeCertificate();
  const files = { certificate: first.certificate, key: first.key };
  const certificate = new ServedCertificate({ files, clock: systemClock, log, pollMs: 50 });
  await certificate.start();
  onCleanup(() => certificate.stop());
  const sendsProxyHeader = (address: string) => address === "127.0.0.1";
  const engine = await openWorkerPort("python", "pass:wörd", { certificate, sendsProxyHeader, log });
  onCleanup(() => engine.stop());
  const port = await startPassThrough(engine.port);

  const roots = temporaryDirectory("roots");
  copyFileSync(first.certificate, join(roots, "authority.pem"));
  const python = await startBuildbotWorker({
    port,
    name: "python",
    password: "pass:wörd",
    options: [`--connection-string=tls:host=127.0.0.1:port=${port}:trustRoots=${roots}`],
  });
  const link = await engine.waitForWorker();
  expect((await link.getInfo()).version).toBe("4.3.0");

  const guesses = await Promise.all(Array.from({ length: 15 }, (_, n) => attempt(port, "127.0.0.2", `guess ${n}`)));
  expect(guesses.filter((status) => status === 429)).toHaveLength(5);
  expect(await attempt(port, "127.0.0.2", "pass:wörd")).toBe(429);
  expect(await attempt(port, "127.0.0.3", "wrong")).toBe(401);
  expect(logged.filter((line) => line.includes("127.0.0.1"))).toEqual([]);
  expect(logged).toContainEqual(expect.stringContaining('Worker "python" from 127.0.0.3 was refused'));

  // Another certificate of another authority: who is connected stays, and a new client sees it.
  const second = makeCertificate();
  copyFileSync(second.key, first.key);
  copyFileSync(second.certificate, first.certificate);
  const own = createWorker({
    url: `wss://127.0.0.1:${port}/`,
    name: "python",
    password: "pass:wörd",
    ca: readFileSync(second.certificate, "utf8"),
    basedir: temporaryDirectory("own"),
    log: silentLog,
    retryMs: 100,
    maxRetryMs: 200,
  });
  await own.start();
  onCleanup(() => own.stop());
  const newer = await engine.waitForWorker(link);
  expect((await newer.getInfo()).version).not.toBe("4.3.0");
  expect(link.isOpen).toBe(true);
  expect((await link.getInfo()).version).toBe("4.3.0");
  await python.stop();
});
