import { UserError } from "@multimaster/core";
import type Koa from "koa";
import type { RoleContext } from "../../define-role.ts";

/** Handles errors outside the API: one sentence for a user's mistake, no details for an internal error. */
export function answerErrors({ data, log }: Pick<RoleContext<unknown>, "data" | "log">): Koa.Middleware {
  return async (ctx, next) => {
    try {
      await next();
    } catch (thrown) {
      const error = data.explainDatabase(thrown) ?? thrown;
      const known = error instanceof UserError;
      if (!known) log.error({ err: error, method: ctx.method, path: ctx.path }, "a request failed");
      ctx.status = known ? error.status : 500;
      ctx.type = "text/plain";
      ctx.body = `${known ? error.message : "internal error"}\n`;
    }
  };
}
