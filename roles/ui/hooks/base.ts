import type { UiSlice } from "@multimaster/config";
import { errors, type Json } from "@multimaster/core";
import { parseNewChange } from "@multimaster/data";
import type Koa from "koa";
import type { RoleContext } from "../../define-role.ts";
import { readBody } from "../read-body.ts";

const maxBody = 16 * 1024 * 1024;

/** `/change_hook/base`: a change as form or query fields. It answers after the commit: accepted means durable. */
export function serveBaseHook({ data }: RoleContext<UiSlice>): Koa.Middleware {
  return async (ctx, next) => {
    if (!/^\/change_hook(\/(base)?)?$/.test(ctx.path)) return next();
    if (ctx.method !== "POST") {
      ctx.set("Allow", "POST");
      throw errors.methodNotAllowed("POST");
    }
    const fields = new URLSearchParams(ctx.URL.searchParams);
    const body = (await readBody(ctx.req, maxBody)).toString("utf8");
    for (const [name, value] of new URLSearchParams(isForm(ctx) ? body : "")) fields.set(name, value);
    const { change, delivery } = parseNewChange(readFields(fields));
    const { added } = await data.updates.changes.add(change, delivery === undefined ? {} : { delivery });
    ctx.status = 202;
    ctx.type = "text/plain";
    ctx.body = added ? "1 change found" : "no change found";
  };
}

function isForm(ctx: Koa.Context): boolean {
  return ctx.is("application/x-www-form-urlencoded") !== false;
}

const texts = [
  "committer",
  "revision",
  "branch",
  "category",
  "revlink",
  "repository",
  "project",
  "codebase",
  "delivery",
];

function readFields(fields: URLSearchParams): Record<string, Json> {
  const result: Record<string, Json> = {
    author: fields.get("author") ?? fields.get("who") ?? "",
    comments: fields.get("comments") ?? "",
  };
  for (const name of texts) {
    const value = fields.get(name);
    if (value !== null) result[name] = value;
  }
  for (const name of ["files", "properties"]) {
    const value = fields.get(name);
    if (value !== null && value !== "") result[name] = parseJson(name, value);
  }
  const when = fields.get("when_timestamp") ?? fields.get("when");
  if (when !== null && when !== "") result["when_timestamp"] = parseTime(when);
  return result;
}

function parseJson(name: string, text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch {
    throw errors.requestInvalid(`${name}: is not JSON`);
  }
}

/** Seconds since the epoch, or an ISO date. */
function parseTime(text: string): number {
  const seconds = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Date.parse(text) / 1000;
  if (!Number.isFinite(seconds))
    throw errors.requestInvalid(`when_timestamp: "${text}" is neither seconds since the epoch nor an ISO date`);
  return Math.floor(seconds);
}
