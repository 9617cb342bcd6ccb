import { callIfGiven, duration, type Json, Results, withTimeLimit } from "@multimaster/core";
import { z } from "zod";
import { defineStep, type StepEnd } from "../define-step.ts";
import type { StepContext } from "../step-context.ts";
import { stepFunction } from "../step-options.ts";
import { headersOption, webUrl } from "../web-options.ts";

/** Characters of an answer that the log shows. */
const longestLogged = 64 * 1024;
/** Bytes of an answer that are read. */
const largestAnswer = 4 * 1024 * 1024;

/** An answer as `extract` gets it. */
export interface HttpAnswer {
  readonly status: number;
  /** By name in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

const options = z.object({
  url: webUrl.describe(
    "Address of the web that the engine can reach. A login in it (`https://user:password@host/`) is sent as basic authentication.",
  ),
  method: z.enum(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]).default("GET").describe("The method of HTTP."),
  headers: headersOption.default({}).describe("Headers by name; a secret is masked in the log."),
  body: z.string().optional().describe("Sent as it is."),
  json: z.json().optional().describe("Sent as JSON."),
  timeout: duration.prefault("30s").describe("Time until the answer is complete."),
  expect: z
    .array(z.int().min(100).max(599))
    .optional()
    .describe("Status codes that are a success; by default those from 200 to 299. A redirection is not followed."),
  property: z.string().min(1).optional().describe("A property that gets the body of the answer."),
  extract: stepFunction<(answer: HttpAnswer) => Readonly<Record<string, Json>>>(
    "({ status, headers, body }) that returns properties",
    "({ status, headers, body }) => properties that are set after a success.",
  ),
});
type Options = z.output<typeof options>;

/** Sends a request from the engine, not from the worker: `httpRequest({ url: "https://…", method: "POST", json: { … } })`. */
export default defineStep({
  type: "http-request",
  options,
  async run(ctx, options): Promise<StepEnd> {
    const { method, property, extract } = options;
    const { url, authorization } = takeLogin(ctx, options.url);
    if (authorization !== undefined && Object.keys(options.headers).some((name) => /^authorization$/i.test(name)))
      return {
        results: Results.FAILURE,
        summary: `${method} ${hostOf(url)}`,
        reason: "both the url and the headers have a login",
      };
    const log = await ctx.log("stdio", "s");
    await log.write(`${method} ${url}\n`, "header");
    let answer: HttpAnswer;
    try {
      answer = await withTimeLimit(options.timeout, ctx.signal, (signal) =>
        send({ ...options, url }, authorization, signal),
      );
    } catch (error) {
      ctx.signal.throwIfAborted();
      const why = describeFailure(error);
      await log.write(`${why}\n`, "stderr");
      return { results: Results.FAILURE, summary: `${method} ${hostOf(url)}`, reason: why };
    }
    await log.write(`${answer.status}\n`, "header");
    if (answer.body !== "") await log.write(`${answer.body.slice(0, longestLogged)}\n`, "stdout");
    const summary = `${method} ${hostOf(url)}: ${answer.status}`;
    const isExpected = options.expect?.includes(answer.status) ?? (answer.status >= 200 && answer.status < 300);
    if (!isExpected) {
      const reason = options.expect === undefined ? "not 200 to 299" : `not ${options.expect.join(", ")}`;
      return { results: Results.FAILURE, summary, reason, rc: answer.status };
    }
    if (property !== undefined) ctx.properties.set(property, answer.body);
    for (const [name, value] of Object.entries(callIfGiven(extract, answer) ?? {})) ctx.properties.set(name, value);
    return { results: Results.SUCCESS, summary, rc: answer.status };
  },
});

/** Takes the login out of an address, hides it in the build, and says it as a header. */
function takeLogin(ctx: StepContext, given: string): { url: string; authorization?: string } {
  const url = new URL(given);
  if (url.username === "" && url.password === "") return { url: given };
  const [user = "", password = ""] = [url.username, url.password].map(decodeLenient);
  const credentials = Buffer.from(`${user}:${password}`).toString("base64");
  // A user without a password is often a token.
  for (const text of password === "" ? [user, url.username] : [password, url.password]) ctx.hide(text, "password");
  ctx.hide(credentials, "password");
  url.username = "";
  url.password = "";
  return { url: url.href, authorization: `Basic ${credentials}` };
}

/** A percent sign that encodes nothing stands for itself. */
function decodeLenient(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

async function send(options: Options, authorization: string | undefined, signal: AbortSignal): Promise<HttpAnswer> {
  const { url, method, headers, body, json } = options;
  const content = json === undefined ? body : JSON.stringify(json);
  const answer = await fetch(url, {
    method,
    signal,
    // Another server gets neither the headers nor the body.
    redirect: "manual",
    headers: {
      ...(json === undefined ? {} : { "content-type": "application/json" }),
      ...(authorization === undefined ? {} : { authorization }),
      ...headers,
    },
    ...(content === undefined ? {} : { body: content }),
  });
  return { status: answer.status, headers: Object.fromEntries(answer.headers), body: await readBody(answer) };
}

async function readBody(answer: Response): Promise<string> {
  const blocks: Uint8Array[] = [];
  let size = 0;
  for await (const block of answer.body ?? []) {
    size += block.length;
    if (size > largestAnswer) throw new Error(`the answer is larger than ${largestAnswer} bytes`);
    blocks.push(block);
  }
  return Buffer.concat(blocks).toString("utf8");
}

function describeFailure(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === "TimeoutError") return "no complete answer in time (timeout)";
  return error.cause instanceof Error ? error.cause.message : error.message;
}

function hostOf(url: string): string {
  return new URL(url).host;
}
