import { request as httpRequest, type IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import { describeCause } from "@multimaster/core";
import { ReportFailure } from "../../define-reporter.ts";
import { limitTime } from "../limit-time.ts";
import { cutText } from "../messages/cut-text.ts";
import { showSafely } from "../messages/show-safely.ts";
import { readRetryAfter } from "./retry-after.ts";

/** A request to a target. */
export interface TargetRequest {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** An object is sent as JSON, a text as it is. */
  readonly body?: object | string | undefined;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  /** Certificates to trust beside those of the system, as PEM. */
  readonly ca?: string | undefined;
  /** Statuses that the caller reads itself, beside those of success. */
  readonly accept?: readonly number[];
  /** Every report goes to this address: if it is missing, forbidden, moved or takes no such method, none gets through. */
  readonly isOnlyAddress?: boolean;
}

export interface TargetAnswer {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  readonly text: string;
  /** The text as JSON, or undefined if it is none. */
  readonly json: unknown;
}

const longestAnswer = 4 * 1024 * 1024;

/**
 * Sends one request and returns its answer if that is a success; all else is a `ReportFailure` that says whether the target is
 * away or refuses this report, and whether the report may have arrived. Addresses are shown without their paths: those of
 * webhooks are secrets.
 */
export async function sendRequest(request: TargetRequest): Promise<TargetAnswer> {
  const where = new URL(request.url).host;
  const progress = { isWritten: false };
  const limit = new AbortController();
  const endLimit = limitTime(request.timeoutMs, () => limit.abort());
  let answer: TargetAnswer;
  try {
    const signal = AbortSignal.any([request.signal, limit.signal]);
    const message = await send(request, signal, progress);
    answer = await readAnswer(message, signal);
  } catch (error) {
    const isLate = limit.signal.aborted && !request.signal.aborted;
    const cause = isLate ? `did not answer within ${request.timeoutMs / 1000} s` : describeTrouble(error);
    throw new ReportFailure(`${where} ${cause}`, { of: "target", unsure: progress.isWritten }, { cause: error });
  } finally {
    endLimit();
  }
  const { status } = answer;
  if ((status >= 200 && status < 300) || request.accept?.includes(status)) return answer;
  throw judgeStatus(request, answer);
}

function send(request: TargetRequest, signal: AbortSignal, progress: { isWritten: boolean }): Promise<IncomingMessage> {
  const { method, url, body, headers = {}, ca } = request;
  const start = url.startsWith("https:") ? httpsRequest : httpRequest;
  const text = typeof body === "object" ? JSON.stringify(body) : body;
  return new Promise((resolve, reject) => {
    const sent = start(url, {
      method,
      signal,
      ...(ca !== undefined && { ca }),
      // One connection for one request: nothing stays open when the reporter stops.
      agent: false,
      headers: {
        "user-agent": "multimaster",
        ...(text !== undefined && { "content-length": String(Buffer.byteLength(text)) }),
        ...(typeof body === "object" && { "content-type": "application/json" }),
        ...headers,
      },
    });
    sent.on("finish", () => {
      progress.isWritten = true;
    });
    sent.on("response", resolve);
    sent.on("error", reject);
    sent.end(text);
  });
}

async function readAnswer(message: IncomingMessage, signal: AbortSignal): Promise<TargetAnswer> {
  const pieces: Buffer[] = [];
  let length = 0;
  for await (const piece of message as AsyncIterable<Buffer>) {
    signal.throwIfAborted();
    length += piece.length;
    if (length > longestAnswer) throw new Error("its answer is too long");
    pieces.push(piece);
  }
  if (!message.complete) throw new Error("its answer ended early");
  const text = Buffer.concat(pieces).toString("utf8");
  return { status: message.statusCode ?? 0, headers: message.headers, text, json: parseOrUndefined(text) };
}

function parseOrUndefined(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const certificateTroubles = /^(CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO|ERR_TLS_CERT|ERR_SSL|EPROTO)/;

/** What happened to a connection, as the rest of a sentence about its server. */
export function describeTrouble(error: unknown): string {
  const { name = "", code = "" } = error as { name?: string; code?: string };
  if (name === "AbortError") return "was not waited for: the reporter stops";
  if (certificateTroubles.test(String(code))) return `has no valid certificate: ${describeCause(error)}`;
  if (code === "ERR_INVALID_CHAR" || code === "ERR_INVALID_HTTP_TOKEN") return `was not asked: ${describeCause(error)}`;
  if (code === "ECONNRESET" || (error as Error).message === "aborted") return "broke the connection off";
  return `cannot be reached: ${describeCause(error)}`;
}

/** Who keeps sending wrong credentials is locked out, and only an operator can mend them. */
const credentialsMs = 600_000;

/** GitHub's limit for many requests in a short time may come without a header; its documentation asks for a minute then. */
const isSecondaryLimit = (status: number, said: string) => status === 403 && /secondary rate limit/i.test(said);
const secondaryLimitMs = 60_000;

function judgeStatus({ url, isOnlyAddress = false }: TargetRequest, answer: TargetAnswer): ReportFailure {
  const { status, headers } = answer;
  const { host: where, pathname } = new URL(url);
  // The path of a webhook is a secret, and servers repeat it: "Route POST:/hook/… not found".
  const said =
    isOnlyAddress && pathname.length > 1 ? describeAnswer(answer).replaceAll(pathname, "/…") : describeAnswer(answer);
  const retryAfterMs = readRetryAfter(headers, answer.json);
  if (status === 429 || (status === 403 && retryAfterMs !== undefined) || isSecondaryLimit(status, said)) {
    const wait = retryAfterMs ?? (isSecondaryLimit(status, said) ? secondaryLimitMs : undefined);
    return new ReportFailure(`${where} limits the rate${said}`, { of: "target", retryAfterMs: wait });
  }
  if (status === 401)
    return new ReportFailure(`${where} refuses the credentials (401): are they revoked or expired?${said}`, {
      of: "target",
      retryAfterMs: credentialsMs,
    });
  if (status === 408 || status >= 500)
    return new ReportFailure(`${where} answers ${status}${said}`, { of: "target", unsure: true, retryAfterMs });
  const isMisled = (status >= 300 && status < 400) || [403, 404, 405, 410].includes(status);
  if (isOnlyAddress && isMisled)
    return new ReportFailure(`${where} takes no reports at this address (${status}): is it removed, or wrong?${said}`, {
      of: "target",
    });
  if (status === 410)
    return new ReportFailure(`${where} says that it is gone for good (410)${said}`, { of: "refused" });
  return new ReportFailure(`${where} refuses the report (${status})${said}`, { of: "report" });
}

/** What the target says of it, shortened; pages of proxies are left out. */
function describeAnswer({ json, text }: TargetAnswer): string {
  const said = findSentence(json) ?? (text.includes("<") ? "" : text);
  const short = cutText(showSafely(said).trim().replaceAll(/\s+/g, " "), 300);
  return short === "" ? "" : `: ${short}`;
}

/** Where the targets put what they say of a failure. */
function findSentence(json: unknown): string | undefined {
  if (typeof json !== "object" || json === null) return undefined;
  const { message, description, msg, error_description, error, errors } = json as Record<string, unknown>;
  const plain = [message, description, msg, error_description, error].find((one) => typeof one === "string");
  if (typeof plain === "string") return plain;
  // Bitbucket and workflows of Teams have an object, Bitbucket Data Center a list of them.
  return findSentence(error) ?? (Array.isArray(errors) ? findSentence(errors[0]) : undefined);
}
