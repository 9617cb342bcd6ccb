import { hostNamesOf, trustNetworks, type UiSlice } from "@multimaster/config";
import { createHostCheck, groupOfAddress } from "@multimaster/core";
import { defineRole } from "../define-role.ts";
import { createAccess } from "./access/access.ts";
import type { Visitor } from "./access/visitor.ts";
import { createControlNotice } from "./access/who-controls.ts";
import { createApp } from "./app.ts";
import { createBuildbotApp } from "./buildbot-app/serve-app.ts";
import { createReadiness } from "./health.ts";
import { createHttpServer } from "./http/http-server.ts";
import { createLoginCleanUp } from "./login/clean-up-logins.ts";
import { createRealtime } from "./realtime/realtime.ts";
import { longestListening, mostPaths } from "./realtime/rights.ts";
import { loadUiSlice } from "./slice.ts";

/** Serves browsers and programs over HTTP. It holds no state, so any number of masters may have this role. */
export const role = defineRole<UiSlice>({
  name: "ui",
  holdsClaims: false,
  loadSlice: loadUiSlice,
  services(context) {
    const { own, shared } = context.config;
    // A proxy represents many clients, and clients on this machine are trusted.
    const mayHaveMany = trustNetworks([...own.trustedProxies, "127.0.0.0/8", "::1"]);
    const readiness = createReadiness(context);
    const access = createAccess(context);
    const realtime = createRealtime(context, {
      identify: access.listener,
      mayRead: (listener, path) => access.mayHear(listener as Visitor, path),
      maxPaths: (listener) => ((listener as Visitor).user ? mostPaths.loggedIn : mostPaths.anonymous),
      longestMs: (listener) => longestListening(listener as Visitor),
      addressOf: (request) => groupOfAddress(access.address.of(request)),
    });
    const pages = own.app === "buildbot" ? createBuildbotApp(context, access) : undefined;
    const app = createApp(context, access, readiness, realtime, pages);
    return [
      createHttpServer({
        host: own.host,
        basePath: shared.url === undefined ? "/" : new URL(shared.url).pathname,
        isOwnHost: createHostCheck([...hostNamesOf(shared), own.host]),
        port: own.port,
        handler: app,
        realtime,
        readiness,
        maxConnectionsOf: (address) => (mayHaveMany(address) ? Number.POSITIVE_INFINITY : own.connectionsPerAddress),
        clock: context.clock,
        log: context.log,
        onListening: (url) => context.listening("ui", url),
      }),
      access.refusals,
      createControlNotice(own, context.log),
      createLoginCleanUp(context),
      ...(pages ? [pages.service] : []),
    ];
  },
});
