import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, expect, it } from "vitest";
import { askReady } from "./health-ports.ts";

const ends: (() => void)[] = [];
afterEach(() => {
  for (const end of ends.splice(0)) end();
});

/** The port of a master that is ready or not. */
async function listen(master: string, isReady: boolean): Promise<number> {
  const server = createServer((request, response) => {
    const status = request.url === "/ready" && !isReady ? 503 : 200;
    response.writeHead(status, { "X-Master": master }).end(status === 503 ? "the master is starting" : "ok");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  ends.push(() => {
    server.close();
    server.closeAllConnections();
  });
  return (server.address() as AddressInfo).port;
}

it("a master is ready when its monitor port says so, whatever its roles", async () => {
  const ports = [await listen("old", false), await listen("new", true), await listen("slow", false)];
  const where = [{ role: "monitor", host: "127.0.0.1", ports }];
  expect(await askReady("new", ["scheduler"], where)).toBe(true);
  expect(await askReady("slow", ["scheduler"], where)).toBe("monitor: the master is starting");
  expect(await askReady("gone", ["scheduler"], where)).toMatch(/^none of the monitor ports .* answers for it$/);
});

it("a port of a role is asked only of masters that have it", async () => {
  const where = [{ role: "ui", host: "127.0.0.1", ports: [await listen("other", true)] }];
  expect(await askReady("new", ["scheduler"], where)).toBe(true);
  expect(await askReady("new", ["ui"], where)).toMatch(/^none of the ui ports/);
});
