import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { type ClusterConfig, hostNamesOf } from "@multimaster/config";
import {
  createHostCheck,
  errors,
  type FiguresText,
  type Json,
  type Logger,
  listenOnFreePort,
  type Service,
} from "@multimaster/core";
import type { Data } from "@multimaster/data";
import { describeHealth } from "./describe-health.ts";
import type { HostedRoles } from "./hosted-roles.ts";

interface MonitorOptions {
  readonly config: Pick<ClusterConfig, "monitor" | "url" | "allowedHosts">;
  readonly master: string;
  readonly data: Pick<Data, "bus" | "writes">;
  readonly hosts: Pick<HostedRoles, "ready">;
  figures(): Promise<FiguresText>;
  readonly log: Logger;
}

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

/**
 * `/health`, `/ready` and `/metrics` of a master, whatever its roles, on a port that workers and users do not reach. It
 * answers for as long as the master has its lease, also while it drains. No service where the config asks for none.
 */
export function createMonitor({ config, master, data, hosts, figures, log }: MonitorOptions): Service[] {
  const { monitor } = config;
  if (!monitor) return [];
  const { host, port } = monitor;
  const isOwnHost = createHostCheck([...hostNamesOf(config), host]);
  const pages: Readonly<Record<string, () => Promise<Answer>>> = {
    "/health": async () => json(200, describeHealth(master, data)),
    "/ready": async () => {
      const state = hosts.ready();
      return state === true ? json(200, { ready: true }) : json(503, { ready: false, reasons: state });
    },
    "/metrics": async () => {
      const { contentType, text } = await figures();
      return { status: 200, type: contentType, body: text };
    },
  };

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = (request.url ?? "").split("?")[0] ?? "";
    const page = Object.hasOwn(pages, path) ? pages[path] : undefined;
    const isRead = request.method === "GET" || request.method === "HEAD";
    const { status, type, body } = !isOwnHost(request.headers.host)
      ? plain(421, errors.hostUnknown(request.headers.host ?? "").message)
      : !page
        ? plain(404, `Here are ${Object.keys(pages).join(", ")}.`)
        : isRead
          ? await page()
          : plain(405, "Use GET.");
    response.writeHead(status, {
      "Content-Type": type,
      "Content-Length": Buffer.byteLength(body),
      "Cache-Control": "no-store",
      "X-Master": encodeURIComponent(master),
    });
    response.end(request.method === "HEAD" ? undefined : body);
  }

  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => {
      log.error({ err: error, service: "monitor", path: request.url }, "a request failed");
      response.destroy();
    });
  });
  server.headersTimeout = 10_000;
  server.requestTimeout = 10_000;

  return [
    {
      name: "monitor",
      async start() {
        const { port: taken } = await listenOnFreePort(server, "monitor", host, port);
        server.on("error", (error) =>
          log.error({ err: error, service: "monitor" }, "the http server reports an error"),
        );
        const name = host.includes(":") ? `[${host}]` : host;
        log.info({ service: "monitor", url: `http://${name}:${taken}/` }, "listening");
      },
      async stop() {
        if (!server.listening) return;
        const closed = new Promise((resolve) => server.close(resolve));
        server.closeAllConnections();
        await closed;
      },
    },
  ];
}

function json(status: number, body: Json): Answer {
  return { status, type: "application/json; charset=utf-8", body: `${JSON.stringify(body)}\n` };
}

function plain(status: number, text: string): Answer {
  return { status, type: "text/plain; charset=utf-8", body: `${text}\n` };
}
