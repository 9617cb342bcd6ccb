import type { IncomingMessage } from "node:http";
import { isNestedDeeper, type Json, type Logger, UserError } from "@multimaster/core";
import { FieldErrors, NoSuchMethod } from "@multimaster/data";

/** No client sends deeper calls, and they would exhaust the stack when serialised. */
const maxDepth = 256;

/** Codes of JSON-RPC 2.0. */
const code = {
  invalidRequest: -32600,
  noSuchMethod: -32601,
  invalidParams: -32602,
  internal: -32603,
  notJson: -32700,
} as const;

type Id = string | number | null;

interface Call {
  readonly id: Id;
  readonly method: string;
  readonly params: { readonly [key: string]: Json };
}

export interface RpcAnswer {
  readonly status: number;
  readonly body: Json;
}

/** The request is not a JSON-RPC request; its answer has no id. */
class BadRequest extends Error {
  readonly code: number;

  constructor(message: string, errorCode: number = code.invalidRequest) {
    super(message);
    this.code = errorCode;
  }
}

/** Performs a POST of the API: one method on one object (docs/spec/data-api.md §4). */
export async function answerCall(
  perform: (path: readonly string[], method: string, params: Call["params"]) => Promise<Json>,
  request: Pick<IncomingMessage, "headers">,
  readBody: () => Promise<Buffer>,
  path: readonly string[],
  log: Logger,
): Promise<RpcAnswer> {
  let call: Call;
  try {
    call = await readCall(request, readBody);
  } catch (error) {
    if (error instanceof BadRequest) return failure(400, undefined, error.code, error.message);
    if (error instanceof UserError) return failure(error.status, undefined, code.invalidRequest, error.message);
    throw error;
  }
  try {
    const result = await perform(path, call.method, call.params);
    return { status: 200, body: { jsonrpc: "2.0", id: call.id, result } };
  } catch (error) {
    return answerFailure(error, call, path, log);
  }
}

function answerFailure(error: unknown, call: Call, path: readonly string[], log: Logger): RpcAnswer {
  if (error instanceof NoSuchMethod) return failure(501, call.id, code.noSuchMethod, error.message);
  if (error instanceof FieldErrors) return failure(400, call.id, code.invalidParams, { ...error.fields });
  if (error instanceof UserError) {
    const byStatus =
      error.status === 400 ? code.invalidParams : error.status < 500 ? code.invalidRequest : code.internal;
    return failure(error.status, call.id, byStatus, error.message);
  }
  log.error({ err: error, method: call.method, path: path.join("/") }, "an action failed");
  return failure(500, call.id, code.internal, "internal error");
}

function failure(status: number, id: Id | undefined, errorCode: number, message: Json): RpcAnswer {
  return { status, body: { jsonrpc: "2.0", ...(id === undefined ? {} : { id }), error: { code: errorCode, message } } };
}

async function readCall({ headers }: Pick<IncomingMessage, "headers">, readBody: () => Promise<Buffer>): Promise<Call> {
  const type = (headers["content-type"] ?? "").split(";")[0]?.trim().toLowerCase();
  if (type !== "application/json") throw new BadRequest("Invalid content-type (use application/json)");
  const root = parse((await readBody()).toString("utf8"));
  if (isNestedDeeper(root, maxDepth)) throw new BadRequest(`the call is nested deeper than ${maxDepth} levels`);
  if (Array.isArray(root)) throw new BadRequest("JSONRPC batch requests are not supported");
  if (typeof root !== "object" || root === null) throw new BadRequest("JSONRPC root object must be an object");
  const object = root as { readonly [key: string]: Json };
  for (const key of ["jsonrpc", "method", "id", "params"]) {
    if (!Object.hasOwn(object, key)) throw new BadRequest(`missing key '${key}'`);
  }
  const { jsonrpc, method, id, params } = object;
  if (jsonrpc !== "2.0") throw new BadRequest("only JSONRPC 2.0 is supported");
  if (typeof method !== "string") throw new BadRequest("'method' must be a string");
  if (typeof id !== "string" && typeof id !== "number" && id !== null)
    throw new BadRequest("'id' must be a string, number or null");
  if (typeof params !== "object" || params === null || Array.isArray(params))
    throw new BadRequest("'params' must be an object");
  return { id, method, params: params as Call["params"] };
}

function parse(text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch (error) {
    throw new BadRequest(`JSON parse error: ${(error as Error).message}`, code.notJson);
  }
}
