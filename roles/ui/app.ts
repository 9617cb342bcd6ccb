import { constants } from "node:zlib";
import type { UiSlice } from "@multimaster/config";
import Koa from "koa";
import compress from "koa-compress";
import type { RoleContext } from "../define-role.ts";
import type { Access } from "./access/access.ts";
import type { BuildbotApp } from "./buildbot-app/serve-app.ts";
import { type Readiness, serveHealth } from "./health.ts";
import { serveHooks } from "./hooks/serve-hooks.ts";
import { answerErrors } from "./http/answer-errors.ts";
import { secureHeaders } from "./http/security-headers.ts";
import { serveLogin } from "./login/serve-login.ts";
import { measureQueue, measureRequests, serveMetrics } from "./metrics.ts";
import type { Realtime } from "./realtime/realtime.ts";
import { serveOpenApi } from "./rest/serve-openapi.ts";
import { serveRest } from "./rest/serve-rest.ts";
import { mountRoutes, type Route } from "./routes.ts";
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
  mountRoutes(app, access, listRoutes(context, access, readiness, realtime, pages));
  return app;
}

/** Every route of the ui, in the order in which they are asked, and who may ask them. */
export function listRoutes(
  context: RoleContext<UiSlice>,
  access: Access,
  readiness: Readiness,
  realtime: Realtime,
  pages?: BuildbotApp,
): readonly Route[] {
  const health = serveHealth(context, readiness);
  const login = serveLogin(context, access);
  const buildbot: readonly Route[] = pages
    ? [
        {
          name: "buildbot's pages",
          path: /^/,
          guard: { kind: "everybody", because: "it is a program, and says who is logged in to themselves only" },
          answer: pages.serve,
        },
      ]
    : [];
  return [
    {
      name: "probes",
      path: /^\/(health|ready)$/,
      guard: { kind: "everybody", because: "balancers ask without a login, and learn whether to send somebody here" },
      answer: health,
    },
    { name: "health", path: /^\/api\/v2\/health$/, guard: { kind: "readers", of: ["masters"] }, answer: health },
    {
      name: "metrics",
      path: /^\/metrics$/,
      // Its series are named after builders and steps.
      guard: { kind: "readers", of: ["masters", "builders", "steps"] },
      answer: serveMetrics(context.metrics),
    },
    {
      name: "login",
      path: /^\/auth\/log(in|out)$/,
      guard: { kind: "everybody", because: "whoever logs in is no one yet" },
      answer: login,
    },
    {
      name: "whoami",
      path: /^\/api\/v2\/whoami$/,
      guard: { kind: "everybody", because: "it tells a visitor of themselves" },
      answer: login,
    },
    {
      name: "description",
      path: /^\/api\/(v2|latest)\/openapi(\.json)?$/,
      guard: { kind: "everybody", because: "it describes the program, and no cluster" },
      answer: serveOpenApi(context),
    },
    {
      name: "api",
      path: /^\/api(\/|$)/,
      guard: { kind: "itself", asks: "for the right to read what the path names, or to do what the body asks for" },
      answer: serveRest(context, access),
    },
    {
      name: "events",
      path: /^\/sse\//,
      guard: { kind: "itself", asks: "for the right to read each path and each event; /ws does the same" },
      answer: realtime.serveEvents,
    },
    {
      name: "hooks",
      path: /^\/change_hook(\/|$)/,
      guard: { kind: "itself", asks: "for the secret of the hook, or for changeHookAuth" },
      answer: serveHooks(context),
    },
    {
      name: "badges",
      path: /^\/(plugins\/)?badges\//,
      guard: { kind: "readers", of: ["builders", "builds"] },
      answer: serveBadges(context),
    },
    {
      name: "cc.xml",
      path: /^\/cc\.xml$/,
      guard: { kind: "readers", of: ["builders", "builds"] },
      answer: serveCcXml(context),
    },
    ...buildbot,
    {
      name: "pages",
      path: /^/,
      guard: { kind: "everybody", because: "it is a program: what it shows, it reads over the API as its reader" },
      answer: serveWebApp(context),
    },
  ];
}
