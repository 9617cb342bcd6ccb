import { constants } from "node:zlib";
import type { UiSlice } from "@multimaster/config";
import Koa from "koa";
import compress from "koa-compress";
import type { RoleContext } from "../define-role.ts";
import type { Access } from "./access/access.ts";
import { answerErrors } from "./answer-errors.ts";
import type { BuildbotApp } from "./buildbot-app/serve-app.ts";
import { type Readiness, serveHealth } from "./health.ts";
import { serveHooks } from "./hooks/serve-hooks.ts";
import { serveLogin } from "./login/serve-login.ts";
import { measureQueue, measureRequests, serveMetrics } from "./metrics.ts";
import type { Realtime } from "./realtime/realtime.ts";
import { serveOpenApi } from "./rest/serve-openapi.ts";
import { serveRest } from "./rest/serve-rest.ts";
import { secureHeaders } from "./security-headers.ts";
import { serveBadges } from "./status/badges.ts";
import { serveCcXml } from "./status/cc-xml.ts";
import { serveWebApp } from "./web-app.ts";

/** Everything the ui role answers, in the order in which it is asked. */
export function createApp(
  context: RoleContext<UiSlice>,
  access: Access,
  readiness: Readiness,
  realtime: Realtime,
  pages?: BuildbotApp,
): Koa {
  const app = new Koa();
  // Every error is answered below; what koa reports itself are clients that went away.
  app.on("error", (error) => context.log.debug({ err: error }, "a connection ended early"));
  app.use(
    compress({
      // Flushed with every piece, so that a log can be read while it is sent.
      gzip: { flush: constants.Z_SYNC_FLUSH },
      deflate: { flush: constants.Z_SYNC_FLUSH },
      br: { flush: constants.BROTLI_OPERATION_FLUSH, params: { [constants.BROTLI_PARAM_QUALITY]: 4 } },
    }),
  );
  measureQueue(context.metrics, context.data);
  app.use(measureRequests(context.metrics));
  app.use(secureHeaders(context.config.shared.url));
  app.use(answerErrors(context));
  app.use(serveHealth(context, readiness));
  app.use(serveMetrics(context.metrics));
  app.use(serveLogin(context, access));
  app.use(serveOpenApi(context));
  app.use(serveRest(context, access));
  app.use(realtime.serveEvents);
  app.use(serveHooks(context));
  app.use(serveBadges(context, access));
  app.use(serveCcXml(context, access));
  if (pages) app.use(pages.serve);
  app.use(serveWebApp(context));
  return app;
}
