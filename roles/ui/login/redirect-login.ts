import type { UiSlice } from "@multimaster/config";
import { errors, type Json, UserError } from "@multimaster/core";
import type { RedirectLogin } from "@multimaster/plugins";
import type Koa from "koa";
import { z } from "zod";
import type { RoleContext } from "../../define-role.ts";
import type { Access } from "../access/access.ts";
import { anonymous } from "../access/visitor.ts";
import { BegunLogins } from "./begun-logins.ts";
import { readReturnAddress, returnUrl } from "./return-url.ts";
import type { Sessions } from "./sessions.ts";

/** How long a user may take to log in at the provider. */
const loginTimeoutMs = 10 * 60_000;

const keptSchema = z.object({
  way: z.object({ path: z.string().optional(), fragment: z.string().optional() }),
  kept: z.json(),
});

/** Redirects users to the provider, and handles their return, to whichever master. */
export function createRedirectLogin({ clock, data }: RoleContext<UiSlice>, access: Access, sessions: Sessions) {
  const { begunLogin } = access.cookies;
  const { logins } = data.updates;
  const begunLogins = new BegunLogins(clock);

  async function begin(ctx: Koa.Context, login: RedirectLogin): Promise<void> {
    const { begun, replaced } = begunLogins.begin(access.address.of(ctx.req));
    try {
      if (replaced?.key !== undefined) await logins.take(replaced.key);
      const { url, keep } = await login.begin();
      const way = readReturnAddress(ctx.URL.searchParams);
      const key = await logins.keep({ way: { ...way }, kept: keep } as unknown as Json, loginTimeoutMs);
      begun.key = key;
      // Newer logins have replaced it meanwhile.
      if (begun.isReplaced) await logins.take(key);
      ctx.append("Set-Cookie", begunLogin.set(ctx.req, key, loginTimeoutMs));
      ctx.redirect(url.href);
    } catch (error) {
      begunLogins.end(begun);
      throw error;
    }
  }

  async function finish(ctx: Koa.Context, login: RedirectLogin): Promise<void> {
    const key = begunLogin.read(ctx.req);
    ctx.append("Set-Cookie", begunLogin.clear(ctx.req));
    const begun = key === undefined ? undefined : await logins.take(key);
    if (key === undefined || begun === undefined) throw errors.loginStale();
    begunLogins.endOf(key);
    const { way, kept } = keptSchema.parse(begun);
    const { user, grant } = await login.finish(ctx.URL.searchParams, kept as Json).catch((error: unknown) => {
      if (error instanceof UserError) noteRefused(ctx, error);
      throw error;
    });
    await sessions.begin(ctx, user, grant);
    ctx.redirect(returnUrl({ path: way.path, fragment: way.fragment }));
  }

  function noteRefused(ctx: Koa.Context, { message: detail }: UserError): void {
    const actor = { ...anonymous, address: access.address.of(ctx.req) };
    access.refusals.note({ actor, action: "login", object: "sessions", outcome: "refused", detail });
  }

  return (ctx: Koa.Context, login: RedirectLogin): Promise<void> => {
    const { searchParams } = ctx.URL;
    return searchParams.has("state") || searchParams.has("code") ? finish(ctx, login) : begin(ctx, login);
  };
}
