import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { cleanUp } from "./cleanup.ts";
import { startCrossbar, type TestCrossbar } from "./crossbar.ts";
import { routerKeeper } from "./router-realm.ts";

/** More than the test files that run at a time can need. */
const realms = Array.from({ length: 24 }, (_, i) => `realm-${i + 1}`);

/**
 * Run by vitest once, before the first test file: keeps one crossbar.io router, started when the first file asks for a
 * realm of it, and ends it after the last. `POST /` takes a free realm, `DELETE /<realm>` releases it.
 */
export default async function keepRouter(): Promise<() => Promise<void>> {
  const free = [...realms];
  let router: Promise<TestCrossbar> | undefined;
  const server = createServer((request, response) => {
    if (request.method === "DELETE") {
      free.push((request.url ?? "").slice(1));
      response.end();
      return;
    }
    const realm = free.shift();
    if (realm === undefined) return void response.writeHead(503).end(`all ${realms.length} are in use`);
    router ??= startCrossbar({ realms });
    router.then(
      ({ url }) => response.end(JSON.stringify({ url, realm })),
      (error: Error) => response.writeHead(500).end(error.message),
    );
  });
  process.env[routerKeeper] = await listen(server);
  return async () => {
    server.close();
    server.closeAllConnections();
    await cleanUp();
  };
}

async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
