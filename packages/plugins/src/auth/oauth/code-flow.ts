import { errors, type Json, type User, UserError } from "@multimaster/core";
import type * as Client from "openid-client";
import { z } from "zod";
import type { AuthContext, ConfirmedUser, RedirectLogin } from "../../define-auth.ts";

/** The secrets kept between the redirect to the provider and the return. */
const keptSchema = z.object({ state: z.string(), nonce: z.string(), verifier: z.string() });

/** Timeout for a response of a provider's API. */
const timeoutSeconds = 15;

export interface CodeFlow {
  /** The provider's name in messages: "GitHub", "Keycloak". */
  readonly provider: string;
  readonly scope: string;
  /** Discovers the provider's configuration; called again after a failure. */
  configure(client: typeof Client): Promise<Client.Configuration>;
  /** An OpenID provider proves the user's identity in a signed token. */
  readonly isOpenId: boolean;
  /** Identifies the provider and the client. */
  readonly realm: string;
  /** Reads the user from the provider's data. `subject`: for an OpenID provider, the user whom its answer must be about. */
  readUser(client: typeof Client, config: Client.Configuration, asked: Asked): Promise<User>;
}

/** The provider's tokens, with which the user's data can be read. */
export interface Asked {
  readonly accessToken: string;
  readonly claims?: Readonly<Record<string, unknown>> | undefined;
  readonly subject?: string | undefined;
}

/** The provider's tokens that are kept to query the user again. */
const grantSchema = z.object({
  access: z.string(),
  refresh: z.string().optional(),
  subject: z.string().optional(),
});
type Grant = z.output<typeof grantSchema>;

export type Tokens = Client.TokenEndpointResponse & Client.TokenEndpointResponseHelpers;

/** The authorization code flow, with state, PKCE and, for OpenID providers, a nonce; each login can return only once. */
export function startCodeFlow({ callbackUrl, log }: AuthContext, flow: CodeFlow): RedirectLogin {
  let configured: Promise<[typeof Client, Client.Configuration]> | undefined;

  async function configure(): Promise<[typeof Client, Client.Configuration]> {
    // Loaded on first use, because it is large.
    const client = await import("openid-client");
    const config = await flow.configure(client);
    config.timeout = timeoutSeconds;
    // The signature of a token is checked even if it came directly from the provider: not every provider has TLS.
    if (flow.isOpenId) client.enableNonRepudiationChecks(config);
    return [client, config];
  }

  function open(): Promise<[typeof Client, Client.Configuration]> {
    configured ??= configure().catch((error: unknown) => {
      configured = undefined;
      throw error;
    });
    return configured;
  }

  async function read(tokens: Tokens, former: Grant | undefined): Promise<ConfirmedUser> {
    const [client, config] = await open();
    const claims = flow.isOpenId ? tokens.claims() : undefined;
    const subject = claims?.sub ?? former?.subject;
    const user = await flow.readUser(client, config, { accessToken: tokens.access_token, claims, subject });
    const refresh = tokens.refresh_token ?? former?.refresh;
    const grant = { access: tokens.access_token, ...(refresh ? { refresh } : {}), ...(subject ? { subject } : {}) };
    return { user, grant };
  }

  async function ask(grant: Grant): Promise<ConfirmedUser> {
    const [client, config] = await open();
    if (grant.refresh !== undefined) return read(await client.refreshTokenGrant(config, grant.refresh), grant);
    const { access: accessToken, subject } = grant;
    return { user: await flow.readUser(client, config, { accessToken, subject }), grant };
  }

  return {
    kind: "redirect",
    realm: flow.realm,
    async renew(user, kept) {
      const grant = grantSchema.parse(kept);
      try {
        const renewed = await ask(grant);
        return renewed.user.id === user.id ? renewed : "refused";
      } catch (error) {
        if (isRefusal(error)) return "refused";
        return refuseUnavailable(error);
      }
    },
    async begin() {
      const [client, config] = await open().catch((error) => refuseUnavailable(error));
      const [state, nonce, verifier] = [client.randomState(), client.randomNonce(), client.randomPKCECodeVerifier()];
      const url = client.buildAuthorizationUrl(config, {
        redirect_uri: callbackUrl.href,
        scope: flow.scope,
        state,
        code_challenge: await client.calculatePKCECodeChallenge(verifier),
        code_challenge_method: "S256",
        ...(flow.isOpenId ? { nonce } : {}),
      });
      return { url, keep: { state, nonce, verifier } };
    },
    async finish(search, kept: Json) {
      const { state, nonce, verifier } = keptSchema.parse(kept);
      const answer = new URL(callbackUrl);
      answer.search = search.toString();
      try {
        const [client, config] = await open();
        const tokens = await client.authorizationCodeGrant(config, answer, {
          expectedState: state,
          pkceCodeVerifier: verifier,
          ...(flow.isOpenId ? { expectedNonce: nonce, idTokenExpected: true } : {}),
        });
        return await read(tokens, undefined);
      } catch (error) {
        return explain(error);
      }
    },
  };

  function refuseUnavailable(error: unknown): never {
    log.warn({ err: error }, `${flow.provider} could not be queried for a user's identity`);
    throw errors.loginProviderAway(flow.provider, "see the master's log");
  }

  /** Details go to the log: they are for the administrator, and may help an attacker. */
  function explain(error: unknown): never {
    if (error instanceof UserError) throw error;
    const { code, error: refusal } = error as { code?: unknown; error?: unknown };
    if (typeof refusal !== "string" && !String(code).startsWith("OAUTH_")) return refuseUnavailable(error);
    log.warn({ err: error }, `a login by ${flow.provider} failed`);
    const why = refusal === "access_denied" ? "access was denied" : "its answer is not valid for this login";
    throw errors.loginRefused(flow.provider, why);
  }
}

/** The provider has revoked the access granted at the login. */
export class AccessEnded extends Error {}

/** Whether the provider says that the user no longer exists or revoked the access; any other error may be temporary. */
function isRefusal(error: unknown): boolean {
  // A user who has left the admitted organisation is refused as at the login.
  if (error instanceof AccessEnded || error instanceof UserError) return true;
  const { error: refusal, status } = error as { error?: unknown; status?: unknown };
  return refusal === "invalid_grant" || refusal === "access_denied" || status === 401;
}

/** Reads a JSON answer of the provider's own API. */
export async function readApi<S extends z.ZodType>(
  client: typeof Client,
  config: Client.Configuration,
  token: string,
  url: string,
  schema: S,
): Promise<z.output<S>> {
  const headers = new Headers({ accept: "application/json", "user-agent": "multimaster" });
  const response = await client.fetchProtectedResource(config, token, new URL(url), "GET", undefined, headers);
  if (response.status === 401) throw new AccessEnded(`${url} no longer accepts the access of this login`);
  if (!response.ok) throw new Error(`${url} answered ${response.status}`);
  return schema.parse(await response.json());
}
