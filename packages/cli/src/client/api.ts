import {
  Backoff,
  type Clock,
  errors,
  type Json,
  onAbort,
  systemClock,
  type UserError,
  withTimeLimit,
} from "@multimaster/core";
import type { NounName } from "@multimaster/data";
import {
  type Client,
  type FieldOf,
  formatCall,
  formatRead,
  type Page,
  type PathOf,
  type Query,
  type Row,
  readPage,
} from "@multimaster/data/client";
import { z } from "zod";
import type { Server } from "./profile.ts";

export interface ApiOptions {
  readonly server: Server;
  /** How long reads are retried when no master answers; a balancer may meanwhile lead to another master. */
  readonly retryForMs: number;
  /** Called when the first attempt of a read has failed, and again when a later one has succeeded. */
  onConnection?(state: "lost" | "back", why: string): void;
  /** Aborts requests in progress. */
  readonly signal?: AbortSignal;
  readonly clock?: Clock;
  readonly fetch?: typeof fetch;
}

/**
 * The REST API of whichever ui master answers at an address. An action is not sent again once it may have arrived: without
 * an answer no one knows whether it was done.
 */
export interface Api extends Client {
  readonly url: string;
  /** The user as whom the token acts; null: no one is logged in. */
  whoAmI(): Promise<{ readonly username: string | null }>;
  /** The bytes of an artifact, as they come. */
  download(artifact: { readonly artifactid: number; readonly name: string }): Promise<ReadableStream<Uint8Array>>;
}

const whoAmIAnswer = z.object({ whoami: z.tuple([z.object({ username: z.string().nullable() })]) });

/** Statuses that depend on the master's state, not on the request: another master, or a later attempt, may succeed. */
const passing = new Set([429, 502, 503, 504]);
const answerMs = 60_000;

/** No master answered, or the answer was incomplete. */
class NoAnswer extends Error {
  readonly isPassing: boolean;
  /** The request has certainly reached no master. */
  readonly isUnasked: boolean;

  constructor(why: string, is: { passing: boolean; unasked: boolean }, cause?: unknown) {
    super(why, { cause });
    this.isPassing = is.passing;
    this.isUnasked = is.unasked;
  }
}

export function createApi({
  server,
  retryForMs,
  onConnection,
  signal,
  clock = systemClock,
  ...options
}: ApiOptions): Api {
  const doFetch = options.fetch ?? fetch;

  async function send(path: string, init: RequestInit): Promise<{ status: number; body: unknown }> {
    let response: Response;
    let text: string;
    const exchange = async (limited: AbortSignal) => {
      const answer = await doFetch(new URL(`api/v2/${path}`, server.url), {
        ...init,
        headers: {
          Accept: "application/json",
          ...(server.token === undefined ? {} : { Authorization: `Bearer ${server.token}` }),
          ...init.headers,
        },
        redirect: "manual",
        signal: limited,
      });
      return [answer, await answer.text()] as const;
    };
    try {
      [response, text] = await withTimeLimit(answerMs, signal, (limited) => orAborted(limited, exchange(limited)));
    } catch (error) {
      signal?.throwIfAborted();
      const { why, ...is } = explain(error);
      throw new NoAnswer(why, is, error);
    }
    const { status } = response;
    if (passing.has(status)) throw new NoAnswer(`${status} ${shorten(text)}`, { passing: true, unasked: false });
    // Without a token the answer can only be that one has to log in, which no program does.
    if (status === 401 || (status === 403 && server.token === undefined)) throw errors.tokenNeeded(server.url);
    if (status >= 300 && status < 400) {
      throw errors.noUiThere(server.url, `it redirects to ${response.headers.get("Location") ?? "nowhere"}`);
    }
    try {
      return { status, body: JSON.parse(text) as unknown };
    } catch {
      throw errors.noUiThere(server.url, `status ${status}, no JSON`);
    }
  }

  async function get(address: string): Promise<Record<string, unknown>> {
    const { status, body } = await persist(
      () => send(address, {}),
      () => true,
    );
    if (status === 200 && typeof body === "object" && body !== null) return body as Record<string, unknown>;
    throw refusal(status, (body as { error?: unknown } | null)?.error);
  }

  /** Retries until the request succeeds, fails in a way that does not permit a repetition, or the time is over. */
  async function persist<T>(act: () => Promise<T>, mayRepeat: (error: NoAnswer) => boolean): Promise<T> {
    const backoff = new Backoff({ initial: 200, max: 5_000 });
    const end = clock.now() + retryForMs;
    let isLost = false;
    for (;;) {
      try {
        const result = await act();
        if (isLost) onConnection?.("back", "");
        return result;
      } catch (error) {
        if (!(error instanceof NoAnswer)) throw error;
        if (!error.isPassing || !mayRepeat(error) || clock.now() >= end) throw unreachable(error);
        if (!isLost) onConnection?.("lost", error.message);
        isLost = true;
        await clock.sleep(backoff.next(), signal);
        signal?.throwIfAborted();
      }
    }
  }

  const unreachable = (error: NoAnswer) => errors.uiUnreachable(server.url, error.message, { cause: error });

  async function list<N extends NounName, F extends FieldOf<N> = FieldOf<N>>(
    noun: N,
    path: PathOf<N>,
    query?: Query<N, F>,
  ): Promise<Page<Row<N, F>>> {
    const page = readPage<Row<N, F>>(noun, await get(formatRead(path, query)));
    if (page === undefined) throw errors.noUiThere(server.url, `its answer has no ${noun}`);
    return page;
  }

  return {
    url: server.url,
    list,
    async whoAmI() {
      const answer = whoAmIAnswer.safeParse(await get("whoami"));
      if (!answer.success) throw errors.noUiThere(server.url, "it does not say who asks");
      return answer.data.whoami[0];
    },
    async download({ artifactid, name }) {
      // The body has no time limit: it may be large.
      const response = await doFetch(
        new URL(`artifacts/${artifactid}/${name.split("/").map(encodeURIComponent).join("/")}`, server.url),
        {
          headers: server.token === undefined ? {} : { Authorization: `Bearer ${server.token}` },
          redirect: "manual",
          ...(signal ? { signal } : {}),
        },
      ).catch((error: unknown) => {
        throw errors.uiUnreachable(server.url, explain(error).why, { cause: error });
      });
      if (response.status === 200 && response.body !== null) return response.body;
      throw refusal(response.status, readReason(await response.text()));
    },
    async one(noun, path, query) {
      const [item] = (await list(noun, path, query)).items;
      if (item === undefined) throw errors.notFound(`There is nothing at ${path}.`);
      return item;
    },
    async call(_noun, path, action, parameters) {
      const init = {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: formatCall(action, parameters),
      };
      const { status, body } = await persist(
        () => send(path, init),
        (error) => error.isUnasked,
      );
      const answer = body as { result?: Json; error?: { message?: unknown } };
      if (status === 200 && answer.result !== undefined) return answer.result as never;
      throw refusal(status, answer.error?.message ?? answer.error);
    },
  };
}

/** The outcome, or the signal's reason when it aborts: a body that was cut off then may never end by itself. */
function orAborted<T>(signal: AbortSignal, outcome: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const ignore = onAbort(signal, () => reject(signal.reason));
    void outcome.then(resolve, reject).finally(ignore);
  });
}

/** Converts a ui master's refusal to this command's error; each invalid form field gets a line. */
function refusal(status: number, message: unknown): UserError {
  if (typeof message === "object" && message !== null) {
    const problems = Object.entries(message).map(([field, problem]) => [field, String(problem)] as const);
    return errors.fieldsRefused(
      problems.map(([field, text]) => (text.startsWith(`${field}: `) ? text : `${field}: ${text}`)),
    );
  }
  const text = typeof message === "string" ? message : `status ${status}`;
  return status === 404 ? errors.notFound(text) : errors.uiRefused(text);
}

/** The sentence of a refusal whose body is `{"error": …}`; otherwise the body. */
function readReason(text: string): unknown {
  try {
    const { error } = JSON.parse(text) as { error?: unknown };
    return error ?? shorten(text);
  } catch {
    return shorten(text) || undefined;
  }
}

/** An unknown host name or an invalid certificate will not improve; every other failure may. */
function explain(error: unknown): { why: string; passing: boolean; unasked: boolean } {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : (error as Error);
  const code = (cause as NodeJS.ErrnoException).code ?? "";
  if (cause.name === "TimeoutError") {
    return { why: `no answer within ${answerMs / 1000} s`, passing: true, unasked: false };
  }
  const known: Record<string, string> = { ECONNREFUSED: "the connection is refused", ENOTFOUND: "no such host" };
  const why = known[code] ?? (cause.message || code);
  const passing = !/ENOTFOUND|CERT|ERR_TLS|SELF_SIGNED/.test(code) && why !== "bad port";
  return { why, passing, unasked: code === "ECONNREFUSED" };
}

function shorten(text: string): string {
  const line = text.replaceAll(/\s+/g, " ").trim();
  return line.length > 200 ? `${line.slice(0, 200)}…` : line;
}
