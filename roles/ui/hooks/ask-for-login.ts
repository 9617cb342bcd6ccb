import type { UiSlice } from "@multimaster/config";
import { errors, isSameSecret } from "@multimaster/core";
import { parseBasicAuth } from "@multimaster/wire";
import type Koa from "koa";

/** Lets a request pass that knows the name and password of `changeHookAuth`; without that no one knows them. */
export function askForLogin(ctx: Koa.Context, login: UiSlice["changeHookAuth"]): void {
  if (login === undefined) throw errors.hookLoginWrong();
  const { user, password } = login;
  const given = parseBasicAuth(ctx.get("authorization"));
  // Both are compared, whatever the first comparison says: the time tells nothing.
  const right = [isSameSecret(given?.name ?? "", user), isSameSecret(given?.password ?? "", password)];
  if (right.every(Boolean)) return;
  ctx.set("WWW-Authenticate", 'Basic realm="change hooks", charset="UTF-8"');
  throw errors.hookLoginWrong();
}
