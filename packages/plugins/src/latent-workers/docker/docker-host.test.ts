import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, it, onTestFinished } from "vitest";
import { DockerHost } from "./docker-host.ts";

/** A host that answers every request for a log with this. */
async function startHost(status: number, body: string | Buffer): Promise<DockerHost> {
  const server = createServer((_request, response) => {
    response.writeHead(status);
    response.end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.close();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return new DockerHost({ url, timeoutMs: 10_000, signal: new AbortController().signal });
}

it("reads the end of a container's log, and nothing of one whose log driver cannot be read", async () => {
  const header = Buffer.from([1, 0, 0, 0, 0, 0, 0, 0x80]);
  const written = await startHost(200, Buffer.concat([header, Buffer.from("x".repeat(0x80))]));
  expect(await written.readLog("c")).toBe("x".repeat(0x80));
  const unreadable = await startHost(501, '{ "message": "configured logging driver does not support reading" }');
  expect(await unreadable.readLog("c")).toBe("");
});
