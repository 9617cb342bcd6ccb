import type { UiSlice } from "@multimaster/config";
import type { User } from "@multimaster/core";
import type Koa from "koa";
import type { RoleContext } from "../../define-role.ts";
import type { Access } from "../access/access.ts";

/** Begins and ends the session of whoever sent a request. */
export interface Sessions {
  begin(ctx: Koa.Context, user: User): Promise<void>;
  /** `everywhere`: on all devices of the user. */
  end(ctx: Koa.Context, everywhere: boolean): Promise<void>;
}

export function createSessions({ config, data }: RoleContext<UiSlice>, access: Access): Sessions {
  const { logins } = data.updates;
  const { session } = access.cookies;
  const lifetimeMs = config.own.sessionLifetime;
  return {
    async begin(ctx, user) {
      // A new id each time: one that somebody may have planted in this browser is worth nothing.
      const former = session.read(ctx.req);
      if (former !== undefined) await logins.end(former);
      const id = await logins.begin(access.method, user, lifetimeMs);
      ctx.append("Set-Cookie", session.set(ctx.req, id, lifetimeMs));
    },
    async end(ctx, everywhere) {
      const id = session.read(ctx.req);
      if (id === undefined) return;
      const user = everywhere ? await logins.find(id, access.method) : undefined;
      if (user) await logins.endAll(access.method, user.username);
      await logins.end(id);
      ctx.append("Set-Cookie", session.clear(ctx.req));
    },
  };
}
