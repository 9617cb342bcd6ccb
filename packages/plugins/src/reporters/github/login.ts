import { createPrivateKey, createSign } from "node:crypto";
import { z } from "zod";
import type { ReporterContext } from "../../define-reporter.ts";
import { tokenOption, webUrl } from "../../web-options.ts";
import { type Ask, askWith } from "../http/http-shape.ts";

function isPrivateKey(text: string): boolean {
  try {
    return createPrivateKey(text).asymmetricKeyType === "rsa";
  } catch {
    return false;
  }
}

/** How a reporter logs in at GitHub: with a token, or as an installed App. */
export const loginShape = {
  apiUrl: webUrl
    .default("https://api.github.com")
    .transform((url) => url.replace(/\/$/, ""))
    .describe("URL of the API; for GitHub Enterprise https://HOST/api/v3."),
  token: tokenOption.optional().describe("Token with the right to write what is reported."),
  app: z
    .strictObject({
      id: z.union([z.int(), z.string().min(1)]).describe("The App's id, or its client id."),
      privateKey: z
        .string()
        .refine(isPrivateKey, "must be an RSA private key as PEM: what its file contains")
        .describe("The App's private key, as PEM."),
      installation: z
        .int()
        .optional()
        .describe("The installation; default: GitHub is asked for that of each repository."),
    })
    .optional()
    .describe("Login as a GitHub App instead of with a token."),
};

/** What of a login no message may show. */
export const loginSecrets = ({ token, app }: Pick<LoginOptions, "token" | "app">): string[] =>
  [token, app?.privateKey].filter((one) => one !== undefined);

interface LoginOptions {
  readonly timeout: number;
  readonly ca?: string | undefined;
  readonly apiUrl: string;
  readonly token?: string | undefined;
  readonly app?:
    | { readonly id: number | string; readonly privateKey: string; readonly installation?: number | undefined }
    | undefined;
}

export function warnOfLogin({ token, app }: Pick<LoginOptions, "token" | "app">, ctx: z.RefinementCtx): void {
  if ((token === undefined) === (app === undefined))
    ctx.addIssue({ code: "custom", path: ["token"], message: "exactly one of token and app is needed" });
}

const installationShape = z.object({ id: z.int() });
const tokenShape = z.object({ token: z.string(), expires_at: z.string() });

/** GitHub accepts tokens of an App for an hour; a new one is fetched before that. */
const spareMs = 5 * 60_000;

/**
 * Returns `login`, which makes the headers of requests about a repository, and `ask`, which sends them. A token of an App that
 * GitHub refuses, such as one that was revoked, is replaced once.
 */
export function gitHubLogin(ctx: ReporterContext, { timeout, ca, apiUrl, token, app }: LoginOptions) {
  const { clock, preview } = ctx;
  const send = askWith(ctx, { timeout, ca });
  const base = { accept: "application/vnd.github+json", "x-github-api-version": "2022-11-28" };
  const installations = new Map<string, number>();
  const tokens = new Map<number, { token: string; until: number }>();

  async function installationOf(repository: string, headers: Record<string, string>): Promise<number> {
    if (app?.installation !== undefined) return app.installation;
    const known = installations.get(repository);
    if (known !== undefined) return known;
    const { json } = await send({ method: "GET", url: `${apiUrl}/repos/${repository}/installation`, headers });
    const { id } = installationShape.parse(json);
    installations.set(repository, id);
    return id;
  }

  async function renew(id: number, asApp: Record<string, string>): Promise<string> {
    const url = `${apiUrl}/app/installations/${id}/access_tokens`;
    const { json } = await send({ method: "POST", url, headers: asApp, body: {} });
    const made = tokenShape.parse(json);
    tokens.set(id, { token: made.token, until: Date.parse(made.expires_at) });
    return made.token;
  }

  const signIn = (one: NonNullable<typeof app>) => ({
    ...base,
    authorization: `Bearer ${signAppToken(one, clock.now())}`,
  });

  async function login(repository: string): Promise<Record<string, string>> {
    // What is only shown needs no login.
    if (preview) return base;
    if (!app) return { ...base, authorization: `Bearer ${token}` };
    const asApp = signIn(app);
    const id = await installationOf(repository, asApp);
    const known = tokens.get(id);
    if (known && known.until - spareMs >= clock.now()) return { ...base, authorization: `Bearer ${known.token}` };
    const made = await renew(id, asApp).catch((error: unknown) => {
      // An App that was installed again has another installation.
      installations.delete(repository);
      throw error;
    });
    return { ...base, authorization: `Bearer ${made}` };
  }

  const ask: Ask = async (request) => {
    if (!app) return send(request);
    const answer = await send({ ...request, accept: [...(request.accept ?? []), 401] });
    if (answer.status !== 401) return answer;
    const refused = request.headers?.["authorization"];
    const [id] = [...tokens].find(([, one]) => `Bearer ${one.token}` === refused) ?? [];
    // Another report has replaced it meanwhile: the next attempt has the new one.
    if (id === undefined) return send(request);
    tokens.delete(id);
    const authorization = `Bearer ${await renew(id, signIn(app))}`;
    return send({ ...request, headers: { ...request.headers, authorization } });
  };

  return { login, ask };
}

/** A JSON Web Token that says who the App is, for nine minutes; a minute in the past, for clocks that differ. */
function signAppToken({ id, privateKey }: { id: number | string; privateKey: string }, nowMs: number): string {
  const now = Math.floor(nowMs / 1000);
  const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const text = `${encode({ alg: "RS256", typ: "JWT" })}.${encode({ iat: now - 60, exp: now + 540, iss: String(id) })}`;
  return `${text}.${createSign("RSA-SHA256").update(text).sign(privateKey, "base64url")}`;
}
