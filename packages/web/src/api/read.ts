import { addressOf } from "../base.ts";

/** A refusal in the words of the server, or the news that it could not be reached (status 0). */
export class ApiError extends Error {
  readonly status: number;
  /** Of a form: what is wrong with which field. */
  readonly fields: Readonly<Record<string, string>>;
  constructor(status: number, message: string, fields: Readonly<Record<string, string>> = {}) {
    super(message);
    this.status = status;
    this.fields = fields;
  }
}

const api = addressOf("/api/v2/");
const slowestMs = 30_000;

/** The rows that a path of the data API answers, and how many there would be without its limit. */
export interface Answer<Row> {
  readonly rows: readonly Row[];
  readonly total: number | undefined;
}

/** GET of a path under the API (`builds?limit=10`) as text, so that an equal answer can be seen to be equal. */
export async function readText(path: string): Promise<string> {
  const { response, text } = await request(api + path, { headers: { Accept: "application/json" } });
  if (!response.ok) throw new ApiError(response.status, messageOf(text));
  return text;
}

export function parseAnswer<Row>(text: string): Answer<Row> {
  const { meta, ...rest } = JSON.parse(text) as { meta?: { total?: number } } & Record<string, Row[]>;
  return { rows: Object.values(rest)[0] ?? [], total: meta?.total };
}

export async function readRows<Row>(path: string): Promise<Answer<Row>> {
  return parseAnswer<Row>(await readText(path));
}

/** A JSON-RPC call: what a button does. Throws ApiError with the server's sentence. */
export async function call<Result>(path: string, method: string, params: object = {}): Promise<Result> {
  const { response, text } = await request(api + path, {
    method: "POST",
    headers: { Accept: "application/json", "Content-Type": "application/json" },
    body: JSON.stringify({ jsonrpc: "2.0", id: 1, method, params }),
  });
  const body = parse(text) as { result?: Result; error?: { message?: unknown } } | undefined;
  if (response.ok && body && body.error === undefined) return body.result as Result;
  const message = body?.error?.message;
  if (typeof message === "object" && message !== null)
    throw new ApiError(response.status, "Some fields need another value.", message as Record<string, string>);
  throw new ApiError(response.status, typeof message === "string" ? message : text.trim() || response.statusText);
}

async function request(url: string, init: RequestInit): Promise<{ response: Response; text: string }> {
  const answer = await fetch(url, { ...init, signal: AbortSignal.timeout(slowestMs) })
    .then(async (response) => ({ response, text: await response.text() }))
    .catch(() => undefined);
  if (!answer || isOfGateway(answer)) throw new ApiError(0, "The server cannot be reached.");
  return answer;
}

/** A load balancer answered that it found no master to ask; a master's own answers are JSON. */
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
