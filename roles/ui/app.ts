import type { RequestListener } from "node:http";
import { constants } from "node:zlib";
import type { UiSlice } from "@multimaster/config";
import Koa from "koa";
import compress from "koa-compress";
import type { RoleContext } from "../define-role.ts";
import type { Access } from "./access/access.ts";
import { serveArtifacts } from "./artifacts/serve-artifacts.ts";
import type { BuildbotApp } from "./buildbot-app/serve-app.ts";
import { type Readiness, serveHealth } from "./health.ts";
import { serveHooks } from "./hooks/serve-hooks.ts";
import { answerErrors } from "./http/answer-errors.ts";
import { secureHeaders } from "./http/security-headers.ts";
import { serveLogin } from "./login/serve-login.ts";
import { type MeasureRequest, measureRequests, serveMetrics } from "./metrics.ts";
import { servePictures } from "./pictures/serve-pictures.ts";
import type { Realtime } from "./realtime/realtime.ts";
import { createDirectReads } from "./rest/direct-reads.ts";
import { createTextReads, type TextReads } from "./rest/read-text.ts";
import { serveOpenApi } from "./rest/serve-openapi.ts";
import { serveRest } from "./rest/serve-rest.ts";
import { mountRoutes, type Route } from "./routes.ts";
import { serveBadges } from "./status/badges.ts";
import { serveCcXml } from "./status/cc-xml.ts";
import { serveWebApp } from "./web-app.ts";

/** Answers all requests of the ui role: by the routes of an app, in the order in which they are tried. */
export function createApp(
  context: RoleContext<UiSlice>,
  access: Access,
  readiness: Readiness,
  realtime: Realtime,
  measure: MeasureRequest,
  pages?: BuildbotApp,
): RequestListener {
  const app = new Koa();
  // All errors are answered below; koa itself reports only clients that disconnected.
  app.on("error", (error) => context.log.debug({ err: error }, "a connection ended early"));
  app.use(
    compress({
      // Flushed after every piece, so that a log can be read while it is sent.
      gzip: { flush: constants.Z_SYNC_FLUSH },
      deflate: { flush: constants.Z_SYNC_FLUSH },
      br: { flush: constants.BROTLI_OPERATION_FLUSH, params: { [constants.BROTLI_PARAM_QUALITY]: 4 } },
    }),
  );
  app.use(measureRequests(measure));
  app.use(secureHeaders(context.config.shared.url));
  app.use(answerErrors(context));
  const reads = createTextReads(context.data.rest);
  const routes = listRoutes(context, access, reads, readiness, realtime, pages);
  mountRoutes(app, access, routes);
  const first = routes.slice(
    0,
    routes.findIndex(({ name }) => name === "api"),
  );
  const isOther = (path: string) => first.some((route) => route.path.test(path));
  return createDirectReads({ context, access, reads, measure, isOther, otherwise: app.callback() });
}

/** Every route of the ui with its guard, in the order in which they are tried. */
export function listRoutes(
  context: RoleContext<UiSlice>,
  access: Access,
  reads: TextReads,
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
          guard: { kind: "everybody", because: "it is a program, and shows a login only to its own user" },
          answer: pages.serve,
        },
      ]
    : [];
  return [
    {
      name: "probes",
      path: /^\/(health|ready)$/,
      guard: {
        kind: "everybody",
        because: "balancers check it without a login, and learn only whether to send requests here",
      },
      answer: health,
    },
    { name: "health", path: /^\/api\/v2\/health$/, guard: { kind: "readers", of: ["masters"] }, answer: health },
    {
      name: "metrics",
      path: /^\/metrics$/,
      // The labels contain names of builders and steps.
      guard: { kind: "readers", of: ["masters", "builders", "steps"] },
      answer: serveMetrics(() => context.figures()),
    },
    {
      name: "login",
      path: /^\/auth\/log(in|out)$/,
      guard: { kind: "everybody", because: "a visitor who logs in is still anonymous" },
      answer: login,
    },
    {
      name: "whoami",
      path: /^\/api\/v2\/whoami$/,
      guard: { kind: "everybody", because: "it describes only the visitor" },
      answer: login,
    },
    {
      name: "description",
      path: /^\/api\/(v2|latest)\/openapi(\.json)?$/,
      guard: { kind: "everybody", because: "it describes the program, not the cluster" },
      answer: serveOpenApi(context),
    },
    {
      name: "api",
      path: /^\/api(\/|$)/,
      guard: { kind: "itself", asks: "for the right to read the path, or to perform the action in the body" },
      answer: serveRest(context, access, reads),
    },
    {
      name: "events",
      path: /^\/sse\//,
      guard: { kind: "itself", asks: "for the right to read each path and each event; /ws does the same" },
      answer: realtime.serveEvents,
    },
    {
      name: "artifacts",
      path: /^\/artifacts(\/|$)/,
      guard: { kind: "itself", asks: "for the right to read artifacts, and with them their steps and builds" },
      answer: serveArtifacts(context, access),
    },
    {
      name: "pictures",
      path: /^\/picture$/,
      guard: { kind: "everybody", because: "it makes a picture of a name that the visitor gives" },
      answer: servePictures(context),
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
      guard: {
        kind: "everybody",
        because: "it is a program: it reads its data over the API with the visitor's rights",
      },
      answer: serveWebApp(context),
    },
  ];
}
