import type { UiSlice } from "@multimaster/config";
import { errors, isSameSecret } from "@multimaster/core";
import { parseBasicAuth } from "@multimaster/wire";
import type Koa from "koa";

/** Accepts a request only with the name and password of `changeHookAuth`; if that is not configured, none. */
export function askForLogin(ctx: Koa.Context, login: UiSlice["changeHookAuth"]): void {
  if (login === undefined) throw errors.hookLoginWrong();
  const { user, password } = login;
  const given = parseBasicAuth(ctx.get("authorization"));
  // Both are always compared, so that the duration reveals nothing.
  const right = [isSameSecret(given?.name ?? "", user), isSameSecret(given?.password ?? "", password)];
  if (right.every(Boolean)) return;
  ctx.set("WWW-Authenticate", 'Basic realm="change hooks", charset="UTF-8"');
  throw errors.hookLoginWrong();
}
