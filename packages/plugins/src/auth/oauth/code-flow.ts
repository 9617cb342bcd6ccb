import { errors, type Json, type User, UserError } from "@multimaster/core";
import type * as Client from "openid-client";
import { z } from "zod";
import type { AuthContext, ConfirmedUser, RedirectLogin } from "../../define-auth.ts";

/** What remains secret between the way to the provider and the way back. */
const keptSchema = z.object({ state: z.string(), nonce: z.string(), verifier: z.string() });

/** A response of a provider's API has this long. */
const patienceSeconds = 15;

export interface CodeFlow {
  /** For messages: "GitHub", "Keycloak". */
  readonly provider: string;
  readonly scope: string;
  /** Finds the provider's addresses; asked again when it failed. */
  configure(client: typeof Client): Promise<Client.Configuration>;
  /** An OpenID provider proves in a signed token who the user is. */
  readonly isOpenId: boolean;
  /** Which provider and client. */
  readonly realm: string;
  /** Makes a user of what the provider tells. `subject`: of an OpenID provider, whom its answer must be about. */
  readUser(client: typeof Client, config: Client.Configuration, asked: Asked): Promise<User>;
}

/** What a provider gave: with it the user's own data can be read. */
export interface Asked {
  readonly accessToken: string;
  readonly claims?: Readonly<Record<string, unknown>> | undefined;
  readonly subject?: string | undefined;
}

/** What is kept to ask again: tokens of the provider. */
const grantSchema = z.object({
  access: z.string(),
  refresh: z.string().optional(),
  subject: z.string().optional(),
});
type Grant = z.output<typeof grantSchema>;

export type Tokens = Client.TokenEndpointResponse & Client.TokenEndpointResponseHelpers;

/** The authorization code flow: with state, PKCE and, of OpenID providers, a nonce; each login comes back only once. */
export function startCodeFlow({ callbackUrl, log }: AuthContext, flow: CodeFlow): RedirectLogin {
  let configured: Promise<[typeof Client, Client.Configuration]> | undefined;

  async function configure(): Promise<[typeof Client, Client.Configuration]> {
    // Heavy, and not needed before somebody logs in.
    const client = await import("openid-client");
    const config = await flow.configure(client);
    config.timeout = patienceSeconds;
    // The signature is checked even of a token that came from the provider directly: not every provider has TLS.
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
        return tellAway(error);
      }
    },
    async begin() {
      const [client, config] = await open().catch((error) => tellAway(error));
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

  function tellAway(error: unknown): never {
    log.warn({ err: error }, `${flow.provider} could not be asked who somebody is`);
    throw errors.loginProviderAway(flow.provider, "see the master's log");
  }

  /** Details go to the log: they are for whoever set the login up, and may tell an attacker something. */
  function explain(error: unknown): never {
    if (error instanceof UserError) throw error;
    const { code, error: refusal } = error as { code?: unknown; error?: unknown };
    if (typeof refusal !== "string" && !String(code).startsWith("OAUTH_")) return tellAway(error);
    log.warn({ err: error }, `a login by ${flow.provider} failed`);
    const why = refusal === "access_denied" ? "access was denied" : "its answer is not valid for this login";
    throw errors.loginRefused(flow.provider, why);
  }
}

/** The provider has taken back what it gave at the login. */
export class AccessEnded extends Error {}

/** Whether the provider says that the user is no more, or has taken the access back; anything else may pass. */
function isRefusal(error: unknown): boolean {
  // One who left the organisation that lets people in is refused as at the login.
  if (error instanceof AccessEnded || error instanceof UserError) return true;
  const { error: refusal, status } = error as { error?: unknown; status?: unknown };
  return refusal === "invalid_grant" || refusal === "access_denied" || status === 401;
}

/** A JSON answer of the provider's own API. */
export async function readApi<S extends z.ZodType>(
  client: typeof Client,
  config: Client.Configuration,
  token: string,
  url: string,
  schema: S,
): Promise<z.output<S>> {
  const headers = new Headers({ accept: "application/json", "user-agent": "multimaster" });
  const response = await client.fetchProtectedResource(config, token, new URL(url), "GET", undefined, headers);
  if (response.status === 401) throw new AccessEnded(`${url} does not accept the access of this login any more`);
  if (!response.ok) throw new Error(`${url} answered ${response.status}`);
  return schema.parse(await response.json());
}
