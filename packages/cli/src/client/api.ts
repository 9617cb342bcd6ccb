import { Backoff, type Clock, errors, type Json, systemClock, type UserError } from "@multimaster/core";
import type { ItemOf, NounName } from "@multimaster/data";
import type { Server } from "./profile.ts";

type Search = URLSearchParams | Readonly<Record<string, string | number | boolean>>;

export interface Page<Item> {
  readonly items: readonly Item[];
  readonly total: number;
}

export interface ApiOptions {
  readonly server: Server;
  /** How long reads are tried again when no one answers; a balancer may lead to another master meanwhile. */
  readonly patienceMs: number;
  /** Called when the first try of a read has failed, and again when a later one has succeeded. */
  onConnection?(state: "lost" | "back", why: string): void;
  /** Ends whatever is under way. */
  readonly signal?: AbortSignal;
  readonly clock?: Clock;
  readonly fetch?: typeof fetch;
}

/** The REST API of whichever ui master answers at an address. */
export interface Api {
  readonly url: string;
  one<N extends NounName>(noun: N, path: string, search?: Search): Promise<ItemOf<N>>;
  list<N extends NounName>(noun: N, path: string, search?: Search): Promise<Page<ItemOf<N>>>;
  /**
   * Performs a method of what a path names. It is not sent again once it may have arrived: who gets no answer cannot know
   * whether it was done.
   */
  call(path: string, method: string, params: Readonly<Record<string, Json>>): Promise<Json>;
}

/** Answers that say nothing of the question: the next master, or the same a little later, may have the answer. */
const passing = new Set([429, 502, 503, 504]);
const answerMs = 60_000;

/** No one answered, or not to the end. */
class NoAnswer extends Error {
  readonly isPassing: boolean;
  /** The question has surely reached no one. */
  readonly isUnasked: boolean;

  constructor(why: string, is: { passing: boolean; unasked: boolean }, cause?: unknown) {
    super(why, { cause });
    this.isPassing = is.passing;
    this.isUnasked = is.unasked;
  }
}

export function createApi({
  server,
  patienceMs,
  onConnection,
  signal,
  clock = systemClock,
  ...options
}: ApiOptions): Api {
  const doFetch = options.fetch ?? fetch;

  async function send(path: string, init: RequestInit): Promise<{ status: number; body: unknown }> {
    let response: Response;
    let text: string;
    try {
      response = await doFetch(new URL(`api/v2/${path}`, server.url), {
        ...init,
        headers: {
          Accept: "application/json",
          ...(server.token === undefined ? {} : { Authorization: `Bearer ${server.token}` }),
          ...init.headers,
        },
        redirect: "manual",
        signal: AbortSignal.any([AbortSignal.timeout(answerMs), ...(signal ? [signal] : [])]),
      });
      text = await response.text();
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
      throw errors.noUiThere(server.url, `it sends to ${response.headers.get("Location") ?? "nowhere"}`);
    }
    try {
      return { status, body: JSON.parse(text) as unknown };
    } catch {
      throw errors.noUiThere(server.url, `status ${status}, no JSON`);
    }
  }

  async function get(path: string, search: Search): Promise<Record<string, unknown>> {
    const query = toQuery(search);
    const { status, body } = await persist(
      () => send(query.size > 0 ? `${path}?${query}` : path, {}),
      () => true,
    );
    if (status === 200 && typeof body === "object" && body !== null) return body as Record<string, unknown>;
    throw refusal(status, (body as { error?: unknown } | null)?.error);
  }

  /** Tries until it succeeds, fails in a way in which it `mayRepeat` no more, or the patience is over. */
  async function persist<T>(act: () => Promise<T>, mayRepeat: (error: NoAnswer) => boolean): Promise<T> {
    const backoff = new Backoff({ initial: 200, max: 5_000 });
    const end = clock.now() + patienceMs;
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

  function readPage<N extends NounName>(noun: N, body: Record<string, unknown>): Page<ItemOf<N>> {
    const items = body[noun];
    if (!Array.isArray(items)) throw errors.noUiThere(server.url, `its answer has no ${noun}`);
    const total = (body["meta"] as { total?: number } | undefined)?.total ?? items.length;
    return { items: items as ItemOf<N>[], total };
  }

  return {
    url: server.url,
    list: async (noun, path, search = {}) => readPage(noun, await get(path, search)),
    async one(noun, path, search = {}) {
      const [item] = readPage(noun, await get(path, search)).items;
      if (item === undefined) throw errors.notFound(`There is nothing at ${path}.`);
      return item;
    },
    async call(path, method, params) {
      const init = {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ jsonrpc: "2.0", id: 1, method, params }),
      };
      const { status, body } = await persist(
        () => send(path, init),
        (error) => error.isUnasked,
      );
      const answer = body as { result?: Json; error?: { message?: unknown } };
      if (status === 200 && answer.result !== undefined) return answer.result;
      throw refusal(status, answer.error?.message ?? answer.error);
    },
  };
}

/** What a ui master said, as this command's own error; a form's fields each on a line. */
function refusal(status: number, message: unknown): UserError {
  if (typeof message === "object" && message !== null) {
    const said = Object.entries(message).map(([field, problem]) => [field, String(problem)] as const);
    return errors.fieldsRefused(
      said.map(([field, text]) => (text.startsWith(`${field}: `) ? text : `${field}: ${text}`)),
    );
  }
  const text = typeof message === "string" ? message : `status ${status}`;
  return status === 404 ? errors.notFound(text) : errors.uiRefused(text);
}

/** A name that does not exist and a certificate that does not fit will not get better; all else may. */
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

function toQuery(search: Search): URLSearchParams {
  if (search instanceof URLSearchParams) return search;
  return new URLSearchParams(Object.entries(search).map(([name, value]): [string, string] => [name, String(value)]));
}
