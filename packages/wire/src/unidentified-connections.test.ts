import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { expect, it } from "vitest";
import { UnidentifiedConnections } from "./unidentified-connections.ts";

it("closes the oldest connection of the network with the most, and not those of workers or of others", async () => {
  const connections = new UnidentifiedConnections(4);
  const accepted: Socket[] = [];
  const server = createServer((socket) => {
    accepted.push(socket.on("error", () => {}));
    connections.add(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const openFrom = async (localAddress: string) => {
    const before = accepted.length;
    const socket = connect({ port, host: "127.0.0.1", localAddress }).on("error", () => {});
    const state = { isClosed: false };
    socket.resume().once("close", () => {
      state.isClosed = true;
    });
    await once(socket, "connect");
    await expect.poll(() => accepted.length).toBe(before + 1);
    return state;
  };
  const worker = await openFrom("127.0.0.1");
  connections.delete(accepted[0] as Socket);
  const mine = [await openFrom("127.1.0.1")];
  const flood: { isClosed: boolean }[] = [];
  for (let i = 1; i <= 6; i += 1) flood.push(await openFrom(`127.0.${i}.1`));
  mine.push(await openFrom("127.2.0.1"));
  await expect.poll(() => flood.filter(({ isClosed }) => isClosed).length).toBe(4);
  expect([worker, ...mine, ...flood].map(({ isClosed }) => isClosed)).toEqual([
    ...[false, false, false],
    ...[true, true, true, true, false, false],
  ]);
  for (const socket of accepted) socket.destroy();
  server.close();
});
