import { type Client, formatCall, formatRead, type Page, readPage } from "@multimaster/data/client";
import { addressOf } from "../base.ts";

/** A refusal with the message of the server; with status 0, the server could not be reached. */
export class ApiError extends Error {
  readonly status: number;
  /** If a form was refused: the problem of each field. */
  readonly fields: Readonly<Record<string, string>>;
  constructor(status: number, message: string, fields: Readonly<Record<string, string>> = {}) {
    super(message);
    this.status = status;
    this.fields = fields;
  }
}

const api = addressOf("/api/v2/");
const slowestMs = 30_000;

/** GET of an address below the API (`builds?limit=10`), as text: equal answers are recognized by their text. */
export async function readText(path: string): Promise<string> {
  const { response, text } = await request(api + path, { headers: { Accept: "application/json" } });
  if (!response.ok) throw new ApiError(response.status, messageOf(text));
  return text;
}

/** The list that an answer holds under the name of its noun. */
export function parsePage<Item>(noun: string, text: string): Page<Item> {
  const page = readPage<Item>(noun, JSON.parse(text) as Record<string, unknown>);
  if (!page) throw new ApiError(0, `The answer of the server has no ${noun}.`);
  return page;
}

/** Objects of a noun, read once. */
export const list: Client["list"] = async (noun, path, query) =>
  parsePage(noun, await readText(formatRead(path, query)));

/** Performs an action: what a button does. Throws ApiError with the server's message. */
export const call: Client["call"] = async (_noun, path, action, parameters) => {
  const { response, text } = await request(api + path, {
    method: "POST",
    headers: { Accept: "application/json", "Content-Type": "application/json" },
    body: formatCall(action, parameters),
  });
  const body = parse(text) as { result?: unknown; error?: { message?: unknown } } | undefined;
  if (response.ok && body && body.error === undefined) return body.result as never;
  const message = body?.error?.message;
  if (typeof message === "object" && message !== null)
    throw new ApiError(response.status, "Some form fields are invalid.", message as Record<string, string>);
  throw new ApiError(response.status, typeof message === "string" ? message : text.trim() || response.statusText);
};

async function request(url: string, init: RequestInit): Promise<{ response: Response; text: string }> {
  const answer = await fetch(url, { ...init, signal: AbortSignal.timeout(slowestMs) })
    .then(async (response) => ({ response, text: await response.text() }))
    .catch(() => undefined);
  if (!answer || isOfGateway(answer)) throw new ApiError(0, "The server cannot be reached.");
  return answer;
}

/** A load balancer answered that it reached no master; a master's own answers are JSON. */
function isOfGateway({ response: { status }, text }: { response: Response; text: string }): boolean {
  return status >= 502 && status <= 504 && parse(text) === undefined;
}

function messageOf(text: string): string {
  const body = parse(text) as { error?: unknown } | undefined;
  return typeof body?.error === "string" ? body.error : text.trim().slice(0, 300);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
