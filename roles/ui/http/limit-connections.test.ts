import { createServer } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { expect, it } from "vitest";
import { limitConnections } from "./limit-connections.ts";

it("lets an address have so many connections and no more, and a new one when one has ended", async () => {
  const server = createServer((_, response) => response.end());
  limitConnections(server, () => 3);
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
