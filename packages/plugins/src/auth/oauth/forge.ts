import type { User } from "@multimaster/core";
import type * as Client from "openid-client";
import type { z } from "zod";
import type { AuthContext, RedirectLogin } from "../../define-auth.ts";
import { readApi, startCodeFlow } from "./code-flow.ts";

/** A forge with plain OAuth 2, whose API identifies the user. */
export interface Forge {
  readonly provider: string;
  /** The issuer that the forge may name when it redirects the user back. */
  readonly issuer: string;
  readonly authorizeUrl: string;
  readonly tokenUrl: string;
  readonly scope: string;
  readonly clientId: string;
  readonly clientSecret: string;
  readUser(read: <S extends z.ZodType>(url: string, schema: S) => Promise<z.output<S>>): Promise<User>;
}

export function startForgeLogin(ctx: AuthContext, forge: Forge): RedirectLogin {
  return startCodeFlow(ctx, {
    provider: forge.provider,
    scope: forge.scope,
    isOpenId: false,
    async configure(client) {
      const server: Client.ServerMetadata = {
        issuer: forge.issuer,
        authorization_endpoint: forge.authorizeUrl,
        token_endpoint: forge.tokenUrl,
      };
      const secret = client.ClientSecretPost(forge.clientSecret);
      const config = new client.Configuration(server, forge.clientId, undefined, secret);
      if (forge.tokenUrl.startsWith("http:")) client.allowInsecureRequests(config);
      return config;
    },
    realm: `${forge.issuer} ${forge.clientId}`,
    async readUser(client, config, { accessToken }) {
      const { id, ...user } = await forge.readUser((url, schema) => readApi(client, config, accessToken, url, schema));
      return { ...user, ...(id === undefined ? {} : { id: `${forge.issuer}#${id}` }) };
    },
  });
}
