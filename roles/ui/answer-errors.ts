import { type Logger, UserError } from "@multimaster/core";
import type Koa from "koa";

/** The last word on errors outside the API: one sentence for the user's mistake, nothing about the inside for ours. */
export function answerErrors(log: Logger): Koa.Middleware {
  return async (ctx, next) => {
    try {
      await next();
    } catch (error) {
      const known = error instanceof UserError;
      if (!known) log.error({ err: error, method: ctx.method, path: ctx.path }, "a request failed");
      ctx.status = known ? error.status : 500;
      ctx.type = "text/plain";
      ctx.body = `${known ? error.message : "internal error"}\n`;
    }
  };
}
