import { createHash, randomUUID } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { exportJWK, exportSPKI, generateKeyPair, SignJWT } from "jose";
import { onCleanup } from "./cleanup.ts";

export interface Provider {
  readonly url: string;
  /** The claims about the next user who logs in. */
  claims: Record<string, unknown>;
  /** What the next token says otherwise than it should. */
  falsify: {
    nonce?: string;
    issuer?: string;
    audience?: string;
    expired?: boolean;
    foreignKey?: boolean;
    unsigned?: boolean;
    signedWith?: "our secret" | "the public key";
  };
  /** Answers of an API beside, by path; for forges without OpenID. */
  api: Record<string, unknown>;
  /** Whether it issues refresh tokens, and whether it still accepts them: "gone" is a user who left. */
  renewal: "none" | "refresh" | "gone";
  /** How often a user was confirmed by a refresh token. */
  renewed: number;
  /** Logs a user in at the address to which a browser was sent; returns the address to which it is sent back. */
  approve(authorizeUrl: string): Promise<URL>;
}

const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString("base64url");

export const client = { clientId: "ci", clientSecret: "between us" };

/**
 * An OpenID provider, or a forge with plain OAuth 2: real HTTP, real signatures, and as strict as it should be: a code
 * works once, with the secret, the redirect address and the PKCE verifier that belong to it.
 */
export async function startProvider({ openId = true, basePath = "" } = {}): Promise<Provider> {
  const [key, foreign] = await Promise.all([generateKeyPair("RS256", { extractable: true }), generateKeyPair("RS256")]);
  const codes = new Map<string, URLSearchParams>();
  const tokens = new Set<string>();
  const refreshTokens = new Set<string>();
  let url = "";

  const issue = async (nonce: string | null) => {
    const { falsify } = provider;
    const now = Math.floor(Date.now() / 1000) - (falsify.expired ? 7200 : 0);
    const claims = {
      ...provider.claims,
      ...(nonce === null ? {} : { nonce: falsify.nonce ?? nonce }),
      iss: falsify.issuer ?? url,
      iat: now,
      exp: now + 3600,
    };
    const token = { ...claims, aud: falsify.audience ?? client.clientId };
    if (falsify.unsigned) return [{ alg: "none", kid: "1" }, token].map(encode).join(".").concat(".");
    // What a verifier must not take for the key of a symmetric signature.
    if (falsify.signedWith) {
      const secret = falsify.signedWith === "our secret" ? client.clientSecret : await exportSPKI(key.publicKey);
      return new SignJWT(token).setProtectedHeader({ alg: "HS256", kid: "1" }).sign(Buffer.from(secret));
    }
    return new SignJWT(token)
      .setProtectedHeader({ alg: "RS256", kid: "1" })
      .sign(falsify.foreignKey ? foreign.privateKey : key.privateKey);
  };

  async function exchange(request: IncomingMessage): Promise<[number, unknown]> {
    let text = "";
    for await (const piece of request) text += String(piece);
    const form = new URLSearchParams(text);
    if (form.get("grant_type") === "refresh_token") {
      // Each works once, and brings the next one.
      if (provider.renewal !== "refresh" || !refreshTokens.delete(form.get("refresh_token") ?? ""))
        return [400, { error: "invalid_grant" }];
      provider.renewed++;
      return [200, await giveTokens(null)];
    }
    const asked = codes.get(form.get("code") ?? "");
    codes.delete(form.get("code") ?? "");
    const challenge = createHash("sha256")
      .update(form.get("code_verifier") ?? "")
      .digest("base64url");
    const basic = `Basic ${Buffer.from(`${client.clientId}:${client.clientSecret.replace(" ", "+")}`).toString("base64")}`;
    const isClient = form.get("client_secret") === client.clientSecret || request.headers.authorization === basic;
    const isRight =
      isClient &&
      asked?.get("code_challenge") === challenge &&
      asked.get("redirect_uri") === form.get("redirect_uri") &&
      asked.get("client_id") === client.clientId;
    if (!isRight) return [400, { error: "invalid_grant" }];
    return [200, await giveTokens(asked.get("nonce"))];
  }

  async function giveTokens(nonce: string | null): Promise<object> {
    const [token, refresh] = [randomUUID(), randomUUID()];
    tokens.add(token);
    if (provider.renewal === "refresh") refreshTokens.add(refresh);
    return {
      access_token: token,
      token_type: "bearer",
      ...(provider.renewal === "refresh" ? { refresh_token: refresh } : {}),
      ...(openId ? { id_token: await issue(nonce) } : {}),
    };
  }

  async function answer(request: IncomingMessage): Promise<[number, unknown]> {
    const { pathname } = new URL(request.url ?? "/", url);
    const path = pathname.slice(basePath.length);
    if (openId && path === "/.well-known/openid-configuration")
      return [
        200,
        {
          issuer: url,
          authorization_endpoint: `${url}/authorize`,
          token_endpoint: `${url}/token`,
          jwks_uri: `${url}/keys`,
          userinfo_endpoint: `${url}/me`,
          response_types_supported: ["code"],
          subject_types_supported: ["public"],
          id_token_signing_alg_values_supported: ["RS256"],
        },
      ];
    if (path === "/keys") return [200, { keys: [{ ...(await exportJWK(key.publicKey)), kid: "1", alg: "RS256" }] }];
    if (request.method === "POST") return exchange(request);
    if (provider.renewal === "gone") return [401, {}];
    if (!tokens.has((request.headers.authorization ?? "").replace(/^Bearer /i, ""))) return [401, {}];
    if (path === "/me") return [200, { sub: provider.claims["sub"], ...provider.claims }];
    return path in provider.api ? [200, provider.api[path]] : [404, {}];
  }

  const server = createServer((request: IncomingMessage, response: ServerResponse) => {
    void answer(request).then(([status, body]) => {
      response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onCleanup(() => {
    server.closeAllConnections();
    server.close();
  });
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}${basePath}`;

  const provider: Provider = {
    url,
    claims: { sub: "1" },
    falsify: {},
    api: {},
    renewal: "none",
    renewed: 0,
    async approve(authorizeUrl) {
      const { searchParams } = new URL(authorizeUrl);
      const code = randomUUID();
      codes.set(code, searchParams);
      const back = new URL(String(searchParams.get("redirect_uri")));
      back.searchParams.set("code", code);
      back.searchParams.set("state", String(searchParams.get("state")));
      return back;
    },
  };
  return provider;
}
