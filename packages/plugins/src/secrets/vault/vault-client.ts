import { type Clock, describeCause } from "@multimaster/core";
import { z } from "zod";

export interface VaultOptions {
  readonly address: string;
  readonly namespace?: string | undefined;
  readonly mount: string;
  readonly version: 1 | 2;
  readonly auth:
    | { readonly token: string }
    | { readonly roleId: string; readonly secretId: string; readonly mount: string };
}

const login = z.object({
  auth: z.object({ client_token: z.string().min(1), lease_duration: z.number(), renewable: z.boolean() }),
});
const lookup = z.object({ data: z.object({ ttl: z.number(), renewable: z.boolean().default(false) }) });
const fields = z.record(z.string(), z.unknown());
const answerOf = { 1: z.object({ data: fields }), 2: z.object({ data: z.object({ data: fields.nullable() }) }) };
const refusal = z.object({ errors: z.array(z.string()).default([]) });

/** An answer that is longer is no secret. */
const longestAnswer = 1_000_000;
/** After this part of its life a token is renewed; it lives on meanwhile. */
const renewAfter = 2 / 3;

interface Token {
  readonly text: string;
  readonly renewable: boolean;
  /** Times of the clock; Infinity: it does not expire. */
  readonly renewAt: number;
  readonly endsAt: number;
}

/** The server refused; the message says with which status, and its reasons. */
class VaultRefusal extends Error {
  readonly status: number;

  constructor(status: number, reasons: readonly string[]) {
    super(`it answers ${status}${reasons.length > 0 ? `: ${reasons.join("; ").slice(0, 300)}` : ""}`);
    this.status = status;
  }
}

/** Reads a KV engine; logs in when it must, and renews its token when it is used late in its life. */
export class VaultClient {
  readonly #clock: Clock;
  readonly #options: VaultOptions;
  #token: Promise<Token> | undefined;

  constructor(clock: Clock, options: VaultOptions) {
    this.#clock = clock;
    this.#options = options;
  }

  async readField(path: string, field: string, signal: AbortSignal): Promise<string> {
    const { mount, version } = this.#options;
    const url = version === 2 ? `${mount}/data/${path}` : `${mount}/${path}`;
    const answer = await this.#withToken((token) => this.#ask("GET", url, { token, signal }), signal).catch(
      (error: unknown) => {
        if (error instanceof VaultRefusal && error.status === 404) throw new Error(`there is nothing at ${url}`);
        throw error;
      },
    );
    const found = answerOf[version].parse(answer).data;
    const all = (version === 2 ? (found as { data: z.output<typeof fields> | null }).data : found) as z.output<
      typeof fields
    > | null;
    const value = all !== null && Object.hasOwn(all, field) ? all[field] : undefined;
    if (typeof value !== "string") throw new Error(`${url} has no text in the field "${field}"`);
    return value;
  }

  /** A token that the server refuses may have ended early: with an AppRole, another one is asked for, once. */
  async #withToken<T>(act: (token: string) => Promise<T>, signal: AbortSignal): Promise<T> {
    const token = await this.#validToken(signal);
    try {
      return await act(token.text);
    } catch (error) {
      if (!(error instanceof VaultRefusal && error.status === 403) || "token" in this.#options.auth) throw error;
      this.#token = undefined;
      return act((await this.#validToken(signal)).text);
    }
  }

  async #validToken(signal: AbortSignal): Promise<Token> {
    const now = this.#clock.now();
    const known = await this.#token?.catch(() => undefined);
    if (known && now < known.renewAt) return known;
    const next = known?.renewable && now < known.endsAt ? this.#renew(known, signal) : this.#logIn(signal);
    this.#token = next;
    // One that could not be had is asked for again.
    next.catch(() => {
      if (this.#token === next) this.#token = undefined;
    });
    return next;
  }

  async #renew(token: Token, signal: AbortSignal): Promise<Token> {
    try {
      const answer = await this.#ask("POST", "auth/token/renew-self", { token: token.text, body: {}, signal });
      const { auth } = login.parse(answer);
      return this.#tokenOf(auth.client_token, auth.lease_duration, auth.renewable);
    } catch (error) {
      if (signal.aborted) throw error;
      return this.#logIn(signal);
    }
  }

  async #logIn(signal: AbortSignal): Promise<Token> {
    const { auth } = this.#options;
    if ("token" in auth) {
      const { data } = lookup.parse(await this.#ask("GET", "auth/token/lookup-self", { token: auth.token, signal }));
      return this.#tokenOf(auth.token, data.ttl, data.renewable);
    }
    const body = { role_id: auth.roleId, secret_id: auth.secretId };
    const answer = login.parse(await this.#ask("POST", `auth/${auth.mount}/login`, { body, signal })).auth;
    return this.#tokenOf(answer.client_token, answer.lease_duration, answer.renewable);
  }

  /** A lifetime of 0 is none: a root token. */
  #tokenOf(text: string, seconds: number, renewable: boolean): Token {
    const now = this.#clock.now();
    const ms = seconds > 0 ? seconds * 1000 : Number.POSITIVE_INFINITY;
    return { text, renewable, renewAt: now + ms * renewAfter, endsAt: now + ms };
  }

  async #ask(
    method: "GET" | "POST",
    path: string,
    { token, body, signal }: { readonly token?: string; readonly body?: object; readonly signal: AbortSignal },
  ): Promise<unknown> {
    const { address, namespace } = this.#options;
    const url = new URL(`v1/${path.split("/").map(encodeURIComponent).join("/")}`, address.replace(/\/*$/, "/"));
    const headers = {
      "X-Vault-Request": "true",
      ...(token === undefined ? {} : { "X-Vault-Token": token }),
      ...(namespace === undefined ? {} : { "X-Vault-Namespace": namespace }),
      ...(body === undefined ? {} : { "Content-Type": "application/json" }),
    };
    const sent = body === undefined ? {} : { body: JSON.stringify(body) };
    const response = await fetch(url, { method, headers, signal, redirect: "error", ...sent }).catch(
      (error: unknown) => {
        throw new Error(`it does not answer: ${describeCause(error)}`);
      },
    );
    const answer = await readJson(response);
    if (response.ok) return answer;
    throw new VaultRefusal(response.status, refusal.safeParse(answer).data?.errors ?? []);
  }
}

async function readJson(response: Response): Promise<unknown> {
  let text = "";
  const decoder = new TextDecoder();
  for await (const piece of response.body ?? []) {
    text += decoder.decode(piece as Uint8Array, { stream: true });
    if (text.length > longestAnswer) throw new Error(`its answer is longer than ${longestAnswer} characters`);
  }
  try {
    return JSON.parse(text === "" ? "null" : text);
  } catch {
    throw new Error(`its answer (status ${response.status}) is no JSON`);
  }
}
