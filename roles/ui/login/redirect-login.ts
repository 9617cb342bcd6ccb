import type { UiSlice } from "@multimaster/config";
import { errors, type Json, UserError } from "@multimaster/core";
import type { RedirectLogin } from "@multimaster/plugins";
import type Koa from "koa";
import { z } from "zod";
import type { RoleContext } from "../../define-role.ts";
import type { Access } from "../access/access.ts";
import { anonymous } from "../access/visitor.ts";
import { BegunLogins } from "./begun-logins.ts";
import type { Sessions } from "./sessions.ts";
import { readWayBack, wayBackUrl } from "./way-back.ts";

/** As long as somebody may take to find their password at the provider. */
const patienceMs = 10 * 60_000;

const keptSchema = z.object({
  way: z.object({ path: z.string().optional(), fragment: z.string().optional() }),
  kept: z.json(),
});

/** Sends people to the provider, and receives them when they come back, whichever master they come back to. */
export function createRedirectLogin({ clock, data }: RoleContext<UiSlice>, access: Access, sessions: Sessions) {
  const { begunLogin } = access.cookies;
  const { logins } = data.updates;
  const begunLogins = new BegunLogins(clock);

  async function begin(ctx: Koa.Context, login: RedirectLogin): Promise<void> {
    const { begun, madeWay } = begunLogins.begin(access.address.of(ctx.req));
    try {
      if (madeWay?.key !== undefined) await logins.take(madeWay.key);
      const { url, keep } = await login.begin();
      const way = readWayBack(ctx.URL.searchParams);
      const key = await logins.keep({ way: { ...way }, kept: keep } as unknown as Json, patienceMs);
      begun.key = key;
      // Others came meanwhile.
      if (begun.hasMadeWay) await logins.take(key);
      ctx.append("Set-Cookie", begunLogin.set(ctx.req, key, patienceMs));
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
    ctx.redirect(wayBackUrl({ path: way.path, fragment: way.fragment }));
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
