import { errors } from "@multimaster/core";
import type Koa from "koa";

/** Forges and scripts send no Origin. A page that sends one would use its reader's network position or password. */
export function refuseOtherPages(ctx: Koa.Context): void {
  const site = ctx.get("sec-fetch-site");
  const origin = ctx.get("origin").toLowerCase();
  const isOwn = origin === "" || origin === `http://${ctx.host}` || origin === `https://${ctx.host}`;
  if (!isOwn || site === "cross-site" || site === "same-site") throw errors.hookFromPage();
}
