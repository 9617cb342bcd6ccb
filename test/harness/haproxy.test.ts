import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer, type IncomingMessage, type Server } from "node:http";
import { get } from "node:https";
import { expect, it } from "vitest";
import { WebSocket, WebSocketServer } from "ws";
import { makeCertificate } from "./certificate.ts";
import { onCleanup } from "./cleanup.ts";
import { startHaproxy } from "./haproxy.ts";
import { isListening } from "./ports.ts";
import { waitFor } from "./wait-for.ts";

/** Answers GET /ready with the given status, and everything else with its port. */
async function startBackend(port: number): Promise<{ server: Server; ready: boolean; seen: string[] }> {
  const backend = { ready: true, seen: [] as string[], server: undefined as unknown as Server };
  backend.server = createServer((request, response) => {
    if (request.url === "/ready") {
      response.writeHead(backend.ready ? 200 : 503, { Connection: "close" }).end();
      return;
    }
    backend.seen.push(`${request.method} ${request.url}`);
    if (request.url === "/cut") request.socket.destroy();
    else response.end(String(port));
  });
  await new Promise<void>((resolve) => backend.server.listen(port, "127.0.0.1", resolve));
  onCleanup(() => void backend.server.close());
  return backend;
}

it("HAProxy finds masters wherever they come to listen, and sends nothing new to one that is not ready", async () => {
  const haproxy = await startHaproxy();
  const [first, second] = haproxy.uiPorts as [number, number];
  expect((await haproxy.servers()).map(({ backend }) => backend)).toEqual([
    ...Array<string>(4).fill("engines"),
    ...Array<string>(4).fill("engines-pb"),
    ...Array<string>(4).fill("ui"),
  ]);
  const a = await startBackend(first);
  await haproxy.waitForServer(first);
  const get = (path = "") => fetch(new URL(path, haproxy.url)).then((response) => response.text());
  expect(await get()).toBe(String(first));

  const b = await startBackend(second);
  await haproxy.waitForServer(second);
  a.ready = false;
  expect(await haproxy.waitForServer(first, false)).toMatchObject({ status: "NOLB" });
  expect([await get(), await get()]).toEqual([String(second), String(second)]);

  // A change of the runtime API holds until it is taken back.
  a.ready = true;
  await haproxy.waitForServer(first);
  await haproxy.command("set server ui/ui-2 state maint");
  expect([await get(), await get()]).toEqual([String(first), String(first)]);
  await haproxy.reload();
  await haproxy.waitForServer(second);
  expect(await isListening(haproxy.usersPort)).toBe(true);

  // Only what is safe to repeat is sent a second time.
  a.seen.length = b.seen.length = 0;
  await get("cut").catch(() => "failed");
  expect(a.seen.length + b.seen.length).toBeGreaterThan(1);
  a.seen.length = b.seen.length = 0;
  await fetch(new URL("cut", haproxy.url), { method: "POST", body: "x" }).catch(() => undefined);
  expect([...a.seen, ...b.seen]).toEqual(["POST /cut"]);

  await haproxy.stop();
  expect(await isListening(haproxy.usersPort)).toBe(false);
  await haproxy.start();
  await haproxy.waitForServer(first);
});

it("HAProxy keeps a worker's connection to an engine that drains, and cuts it when no one answers there any more", async () => {
  const haproxy = await startHaproxy();
  const [port] = haproxy.enginePorts as [number];
  const engine = await startBackend(port);
  const sockets = new WebSocketServer({ server: engine.server });
  sockets.on("connection", (socket) => socket.on("message", (data) => socket.send(String(data))));
  await haproxy.waitForServer(port);

  const worker = new WebSocket(`ws://127.0.0.1:${haproxy.workersPort}/`);
  const heard: string[] = [];
  let closed = false;
  worker.on("error", () => worker.terminate());
  worker.on("message", (data) => heard.push(String(data)));
  worker.on("close", () => (closed = true));
  await once(worker, "open");

  engine.ready = false;
  expect(await haproxy.waitForServer(port, false)).toMatchObject({ status: "NOLB", current: 1 });
  worker.send("still here");
  await waitFor(() => heard.includes("still here"), { what: "the echo" });
  expect(closed).toBe(false);

  // No one listens any more, though the connection itself is still open.
  engine.server.close();
  await waitFor(() => closed, { what: "the worker to be cut loose" });
  const [server] = (await haproxy.servers()).filter((one) => one.port === port);
  expect(server?.status).toMatch(/^DOWN/);
});

it("with a certificate, HAProxy speaks TLS to workers and to users", async () => {
  const { certificate, both } = makeCertificate();
  const ca = readFileSync(certificate, "utf8");
  const haproxy = await startHaproxy({ certificate: both });
  const [enginePort, uiPort] = [haproxy.enginePorts[0] as number, haproxy.uiPorts[0] as number];
  const engine = await startBackend(enginePort);
  new WebSocketServer({ server: engine.server });
  await startBackend(uiPort);
  await haproxy.waitForServer(enginePort);
  await haproxy.waitForServer(uiPort);

  const worker = new WebSocket(`wss://127.0.0.1:${haproxy.workersPort}/`, { ca });
  await once(worker, "open");
  worker.terminate();
  const [response] = (await once(get(haproxy.url, { ca }), "response")) as [IncomingMessage];
  response.resume();
  expect([response.statusCode, response.headers["strict-transport-security"]]).toEqual([200, "max-age=31536000"]);
});
