import type { UiSlice } from "@multimaster/config";
import { errors, UserError } from "@multimaster/core";
import { sortedJson } from "@multimaster/data";
import type Koa from "koa";
import type { RoleContext } from "../../define-role.ts";
import type { Access } from "../access/access.ts";
import { createPasswordLogin } from "./password-login.ts";
import { createRedirectLogin } from "./redirect-login.ts";
import { readReturnAddress, returnUrl } from "./return-url.ts";
import { createSessions } from "./sessions.ts";
import { describeVisitor } from "./who-am-i.ts";

/** `/auth/login`, `/auth/logout`, and `/api/v2/whoami`. */
export function serveLogin(context: RoleContext<UiSlice>, access: Access): Koa.Middleware {
  const sessions = createSessions(context, access);
  const logInByPassword = createPasswordLogin(context, access, sessions);
  const logInByProvider = createRedirectLogin(context, access, sessions);

  async function logIn(ctx: Koa.Context): Promise<void> {
    const { authenticator } = access;
    switch (authenticator.kind) {
      case "password":
        return logInByPassword(ctx, authenticator);
      case "redirect":
        return logInByProvider(ctx, authenticator);
      case "proxy":
        // The proxy has already logged in every visitor who gets here.
        return ctx.redirect(returnUrl(readReturnAddress(ctx.URL.searchParams)));
      case "none":
        throw errors.noLogin();
    }
  }

  /** Only ends sessions, so a link from a page of another site is harmless: the user then sees the home page. */
  async function logOut(ctx: Koa.Context): Promise<void> {
    const { searchParams } = ctx.URL;
    if (access.otherSite(ctx.req) === undefined) await sessions.end(ctx, searchParams.has("everywhere"));
    ctx.redirect(returnUrl(readReturnAddress(searchParams)));
    if (ctx.method === "POST") ctx.status = 303;
  }

  async function answerWhoAmI(ctx: Koa.Context): Promise<void> {
    ctx.type = "application/json";
    try {
      const visitor = await access.identify(ctx.req);
      ctx.body = sortedJson({ whoami: [describeVisitor(visitor, access)], meta: {} });
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      ctx.status = error.status;
      ctx.body = sortedJson({ error: error.message });
    }
  }

  const routes: Readonly<Record<string, { methods: readonly string[]; answer(ctx: Koa.Context): Promise<void> }>> = {
    "/auth/login": { methods: ["GET", "POST"], answer: logIn },
    "/auth/logout": { methods: ["GET", "POST"], answer: logOut },
    "/api/v2/whoami": { methods: ["GET", "HEAD"], answer: answerWhoAmI },
  };

  return async (ctx, next) => {
    const route = Object.hasOwn(routes, ctx.path) ? routes[ctx.path] : undefined;
    if (!route) return next();
    ctx.set("Cache-Control", "no-store");
    if (!route.methods.includes(ctx.method)) {
      ctx.set("Allow", route.methods.join(", "));
      throw errors.methodNotAllowed(route.methods.join(" or "));
    }
    await route.answer(ctx);
  };
}
