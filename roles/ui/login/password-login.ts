import type { UiSlice } from "@multimaster/config";
import { errors, UserError } from "@multimaster/core";
import type { PasswordLogin } from "@multimaster/plugins";
import type Koa from "koa";
import type { RoleContext } from "../../define-role.ts";
import type { Access } from "../access/access.ts";
import { anonymous } from "../access/visitor.ts";
import { readBody } from "../http/read-body.ts";
import { LoginAttempts } from "./attempts.ts";
import { loginPagePolicy, renderLoginPage } from "./login-page.ts";
import { readReturnAddress, returnUrl } from "./return-url.ts";
import type { Sessions } from "./sessions.ts";

const maxForm = 16 * 1024;

/** Shows the login form and processes it; programs may send name and password by HTTP Basic authentication instead. */
export function createPasswordLogin(context: RoleContext<UiSlice>, access: Access, sessions: Sessions) {
  const { config, clock, log } = context;
  const attempts = new LoginAttempts(clock);

  async function logIn(
    ctx: Koa.Context,
    login: PasswordLogin,
    username: string,
    password: string,
    back: URLSearchParams,
  ): Promise<void> {
    const from = access.address.of(ctx.req);
    const note = (detail: string) => {
      const actor = { ...anonymous, name: username.slice(0, 255), address: from };
      access.refusals.note({ actor, action: "login", object: "sessions", outcome: "refused", detail });
    };
    try {
      await attempts.begin(username, from);
    } catch (error) {
      note("too many failed logins");
      throw error;
    }
    const user = await login.check(username, password);
    if (!user) {
      log.warn({ username: username.slice(0, 255), from }, "a login failed");
      note("wrong password");
      throw errors.loginFailed();
    }
    attempts.succeed(username, from);
    await sessions.begin(ctx, user);
    ctx.redirect(returnUrl(readReturnAddress(back)));
    // 303 instead of 302, so that the next page is always requested by GET.
    if (ctx.method === "POST") ctx.status = 303;
  }

  function show(ctx: Koa.Context, back: URLSearchParams, username?: string, problem?: UserError): void {
    const hidden = new Map([...back].filter(([name]) => name === "redirect" || name === "return"));
    ctx.status = problem?.status ?? 200;
    ctx.set("Content-Security-Policy", loginPagePolicy);
    ctx.type = "html";
    ctx.body = renderLoginPage({
      title: config.own.title,
      hidden,
      ...(username === undefined ? {} : { username }),
      ...(problem === undefined ? {} : { problem: problem.message }),
    });
  }

  return async (ctx: Koa.Context, login: PasswordLogin): Promise<void> => {
    const given = readBasic(ctx.get("Authorization"));
    if (ctx.method !== "POST") {
      // Any page can make a browser follow a link that contains a name and password: that must not log a user in.
      if (given) throw errors.methodNotAllowed("POST");
      return show(ctx, ctx.URL.searchParams);
    }
    // Another site must not log a user in under a different account.
    const other = access.otherSite(ctx.req);
    if (other !== undefined) throw errors.otherSite(other);
    if (given) return logIn(ctx, login, given.username, given.password, ctx.URL.searchParams);
    const form = new URLSearchParams((await readBody(ctx, maxForm, access.address.shareOf(ctx.req))).toString("utf8"));
    const username = form.get("username") ?? "";
    try {
      await logIn(ctx, login, username, form.get("password") ?? "", form);
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      show(ctx, form, username, error);
    }
  };
}

function readBasic(header: string): { username: string; password: string } | undefined {
  const [, encoded] = /^Basic +([A-Za-z0-9+/=]+) *$/i.exec(header) ?? [];
  if (encoded === undefined) return undefined;
  const text = Buffer.from(encoded, "base64").toString("utf8");
  const colon = text.indexOf(":");
  return colon < 0 ? undefined : { username: text.slice(0, colon), password: text.slice(colon + 1) };
}
