import { errors, type Json, UserError } from "@multimaster/core";
import type * as Client from "openid-client";
import { z } from "zod";
import type { AuthContext, RedirectLogin } from "../../define-auth.ts";

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
  /** Makes a user of what the provider tells. */
  readUser(client: typeof Client, config: Client.Configuration, tokens: Tokens): ReturnType<RedirectLogin["finish"]>;
}

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

  return {
    kind: "redirect",
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
        return await flow.readUser(client, config, tokens);
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

/** A JSON answer of the provider's own API. */
export async function readApi<S extends z.ZodType>(
  client: typeof Client,
  config: Client.Configuration,
  { access_token: token }: Tokens,
  url: string,
  schema: S,
): Promise<z.output<S>> {
  const headers = new Headers({ accept: "application/json", "user-agent": "multimaster" });
  const response = await client.fetchProtectedResource(config, token, new URL(url), "GET", undefined, headers);
  if (!response.ok) throw new Error(`${url} answered ${response.status}`);
  return schema.parse(await response.json());
}
