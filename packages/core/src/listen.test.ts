import { createServer, type Server } from "node:net";
import { afterEach, expect, it } from "vitest";
import { listenOnFreePort } from "./listen.ts";

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

const host = "127.0.0.1";

function open(): Server {
  const server = createServer();
  servers.push(server);
  return server;
}

it("several servers that take a port at the same time each get their own; one too many gets an error", async () => {
  const ports = [await findFreePort(), await findFreePort()];
  const asked = await Promise.allSettled([1, 2, 3].map(() => listenOnFreePort(open(), "worker", host, ports)));
  const got = asked.flatMap((answer) => (answer.status === "fulfilled" ? [answer.value.port] : []));
  expect(got.toSorted()).toEqual(ports.toSorted());
  expect(asked.flatMap((answer) => (answer.status === "rejected" ? [answer.reason.message] : []))).toEqual([
    `The worker ports ${ports.join(", ")} of ${host} are all in use by other programs; add a free one.`,
  ]);
});

it("a port that is freed is taken by the next one who asks", async () => {
  const ports = [await findFreePort()];
  const first = open();
  await listenOnFreePort(first, "ui", host, ports);
  await expect(listenOnFreePort(open(), "ui", host, ports)).rejects.toThrow(
    `The ui port ${host}:${ports[0]} is in use by another program; choose another.`,
  );
  await new Promise((resolve) => first.close(resolve));
  expect((await listenOnFreePort(open(), "ui", host, ports)).port).toBe(ports[0]);
});

it("an address that this machine does not have is no matter of ports", async () => {
  await expect(listenOnFreePort(open(), "ui", "192.0.2.1", [0, 0])).rejects.toMatchObject({ code: "CANNOT_LISTEN" });
});

async function findFreePort(): Promise<number> {
  const server = createServer();
  const { port } = await listenOnFreePort(server, "test", host, 0);
  await new Promise((resolve) => server.close(resolve));
  return port;
}
