import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { onCleanup } from "./cleanup.ts";

/** What a test sets up in the server. */
export interface VaultSetup {
  /** KV version 2 at `secret`: fields by path; null: the latest version was deleted. */
  readonly kv2?: Readonly<Record<string, Readonly<Record<string, unknown>> | null>>;
  /** KV version 1 at `old`. */
  readonly kv1?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly namespace?: string;
  readonly token?: string;
  readonly appRole?: { readonly roleId: string; readonly secretId: string };
  /** Seconds that a token of the AppRole lives. */
  readonly lifetime?: number;
}

interface Asked {
  readonly method: string;
  readonly path: string;
}

/**
 * A server that keeps the documented contract of Vault's HTTP API as far as secrets are read with it, and refuses all else:
 * the AppRole login, lookup-self, renew-self, and both versions of the KV engine. It is no Vault.
 */
export async function startVault(setup: VaultSetup) {
  const tokens = new Map<string, { endsAt: number }>();
  if (setup.token !== undefined) tokens.set(setup.token, { endsAt: Number.POSITIVE_INFINITY });
  const asked: Asked[] = [];
  let now = 0;
  let made = 0;
  const lifetime = setup.lifetime ?? 3600;

  function answer(request: IncomingMessage, body: string): readonly [status: number, body: unknown] {
    const { method = "", url = "", headers } = request;
    const path = decodeURIComponent(url);
    asked.push({ method, path });
    if (headers["x-vault-request"] !== "true") return [412, { errors: ["missing the X-Vault-Request header"] }];
    if ((headers["x-vault-namespace"] ?? undefined) !== setup.namespace)
      return [404, { errors: ["no handler for route"] }];
    if (path === "/v1/auth/approle/login") {
      if (method !== "POST" || headers["content-type"] !== "application/json") return [405, { errors: [] }];
      const sent = JSON.parse(body) as { role_id?: string; secret_id?: string };
      if (sent.role_id !== setup.appRole?.roleId || sent.secret_id !== setup.appRole?.secretId)
        return [400, { errors: ["invalid role or secret ID"] }];
      const token = `hvs.token-${(made += 1)}`;
      tokens.set(token, { endsAt: now + lifetime });
      return [200, authOf(token)];
    }
    const token = String(headers["x-vault-token"]);
    const known = tokens.get(token);
    if (!known || known.endsAt <= now) return [403, { errors: ["permission denied"] }];
    if (path === "/v1/auth/token/lookup-self" && method === "GET")
      return [200, { data: { ttl: Number.isFinite(known.endsAt) ? known.endsAt - now : 0, renewable: false } }];
    if (path === "/v1/auth/token/renew-self" && method === "POST") {
      known.endsAt = now + lifetime;
      return [200, authOf(token)];
    }
    if (method !== "GET") return [405, { errors: ["unsupported operation"] }];
    return readKv(path);
  }

  const authOf = (token: string) => ({ auth: { client_token: token, lease_duration: lifetime, renewable: true } });

  function readKv(path: string): readonly [number, unknown] {
    const [, two] = /^\/v1\/secret\/data\/(.+)$/.exec(path) ?? [];
    if (two !== undefined) {
      const data = setup.kv2?.[two];
      if (data === undefined) return [404, { errors: [] }];
      // A deleted version is a 404 that has data all the same.
      return [data === null ? 404 : 200, { data: { data, metadata: { version: 3 } } }];
    }
    const [, one] = /^\/v1\/old\/(.+)$/.exec(path) ?? [];
    const data = one === undefined ? undefined : setup.kv1?.[one];
    return data === undefined ? [404, { errors: [] }] : [200, { data, lease_duration: 2_764_800 }];
  }

  const server = createServer((request, response) => {
    let body = "";
    request.setEncoding("utf8").on("data", (text: string) => (body += text));
    request.on("end", () => {
      const [status, value] = answer(request, body);
      response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(value));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onCleanup(
    () =>
      new Promise<void>((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  );
  return {
    address: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    /** Lets time pass for the server, in seconds. */
    pass(seconds: number) {
      now += seconds;
    },
    /** As an operator revokes every token. */
    revokeAll: () => tokens.clear(),
  };
}
