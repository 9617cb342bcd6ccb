import { createServer, type Server } from "node:http";
import { expect, it } from "vitest";
import { onCleanup } from "./cleanup.ts";
import { startHaproxy } from "./haproxy.ts";
import { isListening } from "./ports.ts";

/** Answers GET /ready as told, and everything else with its port. */
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
