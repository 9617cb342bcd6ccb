import { errors } from "@multimaster/core";
import type Koa from "koa";

/** Forges and scripts name no origin. A page that does would use its reader's place in the network, or their password. */
export function refuseOtherPages(ctx: Koa.Context): void {
  const site = ctx.get("sec-fetch-site");
  const origin = ctx.get("origin").toLowerCase();
  const isOwn = origin === "" || origin === `http://${ctx.host}` || origin === `https://${ctx.host}`;
  if (!isOwn || site === "cross-site" || site === "same-site") throw errors.hookFromPage();
}
