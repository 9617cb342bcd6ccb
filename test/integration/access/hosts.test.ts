import { request } from "node:http";
import { clusterConfig } from "@multimaster/config";
import { mergeFigures, silentLog } from "@multimaster/core";
import { createMonitor } from "@multimaster/roles/master/monitor";
import { createWorkerListener } from "@multimaster/wire";
import { describe, expect, it } from "vitest";
import { onCleanup } from "../../harness/cleanup.ts";
import { freePort } from "../../harness/ports.ts";
import { startRestServer } from "../../harness/rest-server.ts";
import { newDatabase } from "../../harness/test-databases.ts";

interface Asking {
  readonly host: string;
  readonly origin?: string;
  readonly method?: string;
  readonly upgrade?: boolean;
}

/** The status that a raw request gets; 101 for a WebSocket that opened. */
function ask(url: string, path: string, { host, origin, method = "GET", upgrade = false }: Asking): Promise<number> {
  return new Promise((resolve, reject) => {
    const headers = {
      Host: host,
      ...(origin === undefined ? {} : { Origin: origin }),
      ...(upgrade
        ? {
            Connection: "Upgrade",
            Upgrade: "websocket",
            "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
            "Sec-WebSocket-Version": "13",
          }
        : {}),
    };
    const sent = request(new URL(path, url), { method, headers, agent: false }, (response) => {
      resolve(response.statusCode ?? 0);
      response.destroy();
    });
    sent.once("upgrade", (response, socket) => {
      resolve(response.statusCode ?? 0);
      socket.destroy();
    });
    sent.once("error", reject).end();
  });
}

const routes: readonly [path: string, more: Partial<Asking>][] = [
  ["/", {}],
  ["/builders/1", {}],
  ["/assets/none.js", {}],
  ["/health", {}],
  ["/ready", {}],
  ["/metrics", {}],
  ["/api", {}],
  ["/api/v2/builds", {}],
  ["/api/v2/builds", { method: "POST" }],
  ["/api/v2/builds", { method: "OPTIONS" }],
  ["/api/v2/openapi", {}],
  ["/api/v2/whoami", {}],
  ["/auth/login", {}],
  ["/auth/logout", { method: "POST" }],
  ["/change_hook/base", { method: "POST" }],
  ["/badges/x.svg", {}],
  ["/cc.xml", {}],
  ["/sse/listen/builds/*/*", {}],
  ["/ws", { upgrade: true }],
  ["/nothing/here", { upgrade: true }],
];

const strangers = [
  "evil.example",
  "evil.example:8010",
  "127.0.0.1.evil.example",
  "localhost.evil.example",
  "ci.example",
];
const own = ["localhost:8010", "127.0.0.1:8010", "[::1]:8010", "192.0.2.7", "ci.example.org", "ci-internal:8010"];
const shared = { url: "https://ci.example.org/", allowedHosts: ["ci-internal"] };

describe("a name that is not the master's own", () => {
  it("is answered by no route of the ui, whatever origin is named with it", async () => {
    const server = await startRestServer(await newDatabase("sqlite"), {}, undefined, undefined, shared);
    for (const [path, more] of routes) {
      for (const host of strangers) {
        for (const origin of [undefined, `http://${host}`, "https://ci.example.org"]) {
          const status = await ask(server.url, path, { host, ...(origin === undefined ? {} : { origin }), ...more });
          expect([path, host, origin, status]).toEqual([path, host, origin, 421]);
        }
      }
      for (const host of own) {
        const status = await ask(server.url, path, { host, ...more });
        expect([path, host, status === 421]).toEqual([path, host, false]);
      }
    }
  });

  it("is not made one's own by what a proxy's headers say", async () => {
    const server = await startRestServer(
      await newDatabase("sqlite"),
      { trustedProxies: ["127.0.0.1"] },
      undefined,
      undefined,
      shared,
    );
    const headers = { Host: "evil.example", "X-Forwarded-Host": "ci.example.org", Forwarded: "host=ci.example.org" };
    const status = await new Promise((resolve, reject) =>
      request(new URL("/api/v2/builds", server.url), { headers, agent: false }, (response) => {
        resolve(response.statusCode);
        response.destroy();
      })
        .once("error", reject)
        .end(),
    );
    expect(status).toBe(421);
  });

  it("opens no WebSocket for the page of that name where the cluster has no url", async () => {
    const server = await startRestServer(await newDatabase("sqlite"));
    for (const [path, more] of routes)
      expect(await ask(server.url, path, { host: "evil.example", origin: "http://evil.example", ...more }), path).toBe(
        421,
      );
    expect(
      await ask(server.url, "/ws", { host: "127.0.0.1:8010", origin: "http://127.0.0.1:8010", upgrade: true }),
    ).toBe(101);
    expect(await ask(server.url, "/ws", { host: "127.0.0.1:8010", origin: "http://evil.example", upgrade: true })).toBe(
      403,
    );
  });

  it("is answered by no page of the monitor", async () => {
    const port = await freePort();
    const monitor = { host: "127.0.0.1", port: [port] };
    const services = createMonitor({
      config: { ...shared, monitor },
      master: "m",
      data: { bus: { kind: "none", state: "connected", degradedSince: null } } as never,
      hosts: { ready: () => true },
      figures: () => mergeFigures([]),
      log: silentLog,
    });
    for (const service of services) {
      await service.start();
      onCleanup(() => service.stop());
    }
    for (const path of ["/health", "/ready", "/metrics", "/nothing"]) {
      for (const host of strangers) expect(await ask(`http://127.0.0.1:${port}`, path, { host }), path).toBe(421);
      for (const host of own) expect(await ask(`http://127.0.0.1:${port}`, path, { host }), path).not.toBe(421);
    }
  });

  it("gets no figures at the worker port, and no page opens a WebSocket there", async () => {
    const listener = createWorkerListener({
      host: "127.0.0.1",
      port: 0,
      log: silentLog,
      authenticate: () => true,
      onWorker: () => {},
      isReady: () => true,
      metrics: async () => ({ contentType: "text/plain", text: "figures" }),
    });
    await listener.start();
    onCleanup(() => listener.stop());
    const url = `http://127.0.0.1:${listener.address().port}`;
    const status = (path: string, host: string) => ask(url, path, { host });
    expect(await status("/metrics", "evil.example")).toBe(421);
    expect(await status("/metrics", "10.0.0.1:9989")).toBe(200);
    // Balancers and workers come by any name.
    expect(await status("/ready", "engine-1:9990")).toBe(200);
    const origins = ["http://evil.example", "null", url];
    for (const origin of origins)
      expect(await ask(url, "/", { host: "evil.example", origin, upgrade: true })).toBe(403);
    expect(await ask(url, "/", { host: "balancer", upgrade: true })).toBe(401);
  });

  it.each(["*.example.org", "https://ci", "ci:80", "ci/", "", "a..b", ".ci"])(
    "is no pattern or address in a config: %s",
    (name) => {
      const config = { name: "acme", database: "sqlite::memory:", allowedHosts: [name] };
      expect(clusterConfig.safeParse(config).error?.issues[0]?.message).toMatch("must be the name of a host");
    },
  );
});
