import { once } from "node:events";
import { createServer } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { expect, it } from "vitest";
import { limitConnections } from "./limit-connections.ts";

it("lets an address have so many connections and no more, and a new one when one has ended", async () => {
  const server = createServer((_, response) => response.end());
  limitConnections(server, () => 3, 100);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const open = () => connect(port, "127.0.0.1").on("error", () => {});
  const isOpen = (socket: ReturnType<typeof open>) =>
    new Promise<boolean>((resolve) => {
      socket.once("close", () => resolve(false));
      socket.once("data", () => resolve(true));
      socket.write("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    });
  const first = [open(), open(), open()];
  expect(await Promise.all(first.map(isOpen))).toEqual([true, true, true]);
  expect(await isOpen(open())).toBe(false);
  first[0]?.destroy();
  await expect.poll(() => isOpen(open())).toBe(true);
  server.closeAllConnections();
  server.close();
});

it("cuts the oldest connection of the network with the most where all have too many, and keeps no one else out", async () => {
  const server = createServer((_, response) => response.end());
  limitConnections(server, () => 3, 4);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const openFrom = async (localAddress: string) => {
    const socket = connect({ port, host: "127.0.0.1", localAddress }).on("error", () => {});
    const state = { isClosed: false };
    socket.once("close", () => {
      state.isClosed = true;
    });
    socket.write("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    await Promise.race([once(socket, "data"), once(socket, "close")]);
    return state;
  };
  const mine = [await openFrom("127.1.0.1")];
  const flood: { isClosed: boolean }[] = [];
  for (let i = 1; i <= 6; i += 1) flood.push(await openFrom(`127.0.${i}.1`));
  mine.push(await openFrom("127.2.0.1"));
  await expect.poll(() => flood.filter(({ isClosed }) => isClosed).length).toBe(4);
  expect([...mine, ...flood].map(({ isClosed }) => isClosed)).toEqual([
    ...[false, false],
    ...[true, true, true, true, false, false],
  ]);
  server.closeAllConnections();
  server.close();
});
