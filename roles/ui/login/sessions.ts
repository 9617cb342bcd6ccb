import type { UiSlice } from "@multimaster/config";
import type { Json, User } from "@multimaster/core";
import { createTrail } from "@multimaster/data";
import type Koa from "koa";
import type { RoleContext } from "../../define-role.ts";
import type { Access } from "../access/access.ts";
import { userVisitor } from "../access/visitor.ts";

/** Begins and ends the session of a request's sender. */
export interface Sessions {
  begin(ctx: Koa.Context, user: User, grant?: Json): Promise<void>;
  /** `everywhere`: on all devices of the user. */
  end(ctx: Koa.Context, everywhere: boolean): Promise<void>;
}

export function createSessions({ config, data }: RoleContext<UiSlice>, access: Access): Sessions {
  const { logins } = data.updates;
  const { session: cookie } = access.cookies;
  const lifetimeMs = config.own.sessionLifetime;
  const actorOf = (ctx: Koa.Context, user: User) => ({
    ...userVisitor(user, "session", {}),
    address: access.address.of(ctx.req),
  });
  return {
    async begin(ctx, user, grant) {
      // A new id for each login: an id that an attacker planted in this browser stays invalid.
      const former = cookie.read(ctx.req);
      if (former !== undefined) await logins.end(former);
      const { authenticator } = access;
      const fingerprint =
        authenticator.kind === "password" ? authenticator.find(user.username)?.fingerprint : undefined;
      const trail = createTrail(actorOf(ctx, user), "login", "sessions");
      const id = await logins.begin(access.method, user, lifetimeMs, { fingerprint, grant, trail });
      ctx.append("Set-Cookie", cookie.set(ctx.req, id, lifetimeMs));
    },
    async end(ctx, everywhere) {
      const id = cookie.read(ctx.req);
      if (id === undefined) return;
      const session = await logins.find(id, access.method);
      const trailOf = (user: User, object: string) => createTrail(actorOf(ctx, user), "logout", object);
      if (session && everywhere)
        await logins.endAll(access.method, session.user.username, trailOf(session.user, "sessions on all devices"));
      else await logins.end(id, session && trailOf(session.user, "sessions"));
      ctx.append("Set-Cookie", cookie.clear(ctx.req));
    },
  };
}
