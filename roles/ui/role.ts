import type { RequestListener } from "node:http";
import { hostNamesOf, trustNetworks, type UiSlice } from "@multimaster/config";
import { createHostCheck, groupOfAddress, type Service, ServicePlace } from "@multimaster/core";
import { defineRole, type NextConfig, type RoleContext, type RoleService } from "../define-role.ts";
import { type Access, createAccess } from "./access/access.ts";
import type { Visitor } from "./access/visitor.ts";
import { createControlNotice } from "./access/who-controls.ts";
import { createApp } from "./app.ts";
import { createBuildbotApp } from "./buildbot-app/serve-app.ts";
import { createReadiness, type Readiness } from "./health.ts";
import { createHttpServer } from "./http/http-server.ts";
import { createLoginCleanUp } from "./login/clean-up-logins.ts";
import { createRequestMeasure, type MeasureRequest, measureQueue } from "./metrics.ts";
import { createRealtime, type Realtime } from "./realtime/realtime.ts";
import { longestListening, mostPaths } from "./realtime/rights.ts";
import { loadUiSlice } from "./slice.ts";

/** Serves browsers and programs over HTTP. It holds no state, so any number of masters may have this role. */
export const role = defineRole<UiSlice>({
  name: "ui",
  holdsClaims: false,
  loadSlice: loadUiSlice,
  services: createServices,
});

/** What answers requests by one config; connections outlive it. */
interface Site {
  readonly access: Access;
  readonly handler: RequestListener;
  /** Whether an address may have any number of connections. */
  mayHaveMany(address: string): boolean;
  /** Files that have to be loaded before the first request. */
  readonly files: Service | undefined;
  readonly services: readonly Service[];
}

/** What the sites of all configs have in common. */
interface Frame {
  readonly readiness: Readiness;
  readonly realtime: Realtime;
  readonly measure: MeasureRequest;
}

function createServices(context: RoleContext<UiSlice>): readonly RoleService<UiSlice>[] {
  const { own, shared } = context.config;
  const { metrics, data, clock, log } = context;
  measureQueue(metrics, data, clock);
  let { config } = context;
  const live = {
    ...context,
    get config() {
      return config;
    },
  };
  const realtime = createRealtime(live, {
    identify: (request) => site.access.listener(request),
    mayRead: (listener, path) => site.access.mayHear(listener as Visitor, path),
    maxPaths: (listener) => ((listener as Visitor).user ? mostPaths.loggedIn : mostPaths.anonymous),
    longestMs: (listener) => longestListening(listener as Visitor),
    addressOf: (request) => groupOfAddress(site.access.address.of(request)),
  });
  const frame: Frame = { readiness: createReadiness(context), realtime, measure: createRequestMeasure(metrics) };
  let site = createSite(context, frame);
  const files = site.files && new ServicePlace(site.files);
  const places = site.services.map((service) => new ServicePlace(service));

  /** Requests that are being answered end as they began; connections stay. */
  async function takeConfig(nextConfig: NextConfig<UiSlice>): Promise<void> {
    const next = createSite({ ...context, config: nextConfig }, frame);
    const loaded = next.files;
    if (loaded) await files?.replace(() => loaded);
    site = next;
    config = nextConfig;
    for (const [i, service] of next.services.entries()) await places[i]?.replace(() => service);
  }

  const server = createHttpServer({
    host: own.host,
    basePath: shared.url === undefined ? "/" : new URL(shared.url).pathname,
    isOwnHost: createHostCheck([...hostNamesOf(shared), own.host]),
    port: own.port,
    handler: (request, response) => site.handler(request, response),
    realtime,
    readiness: frame.readiness,
    maxConnectionsOf: (address) =>
      site.mayHaveMany(address) ? Number.POSITIVE_INFINITY : config.own.connectionsPerAddress,
    clock,
    log,
    onListening: (url) => context.listening("ui", url),
  });
  return [Object.assign(server, { takeConfig }), ...places, ...(files ? [files] : [])];
}

function createSite(context: RoleContext<UiSlice>, { readiness, realtime, measure }: Frame): Site {
  const { own } = context.config;
  const access = createAccess(context);
  const pages = own.app === "buildbot" ? createBuildbotApp(context, access) : undefined;
  return {
    access,
    handler: createApp(context, access, readiness, realtime, measure, pages),
    // A proxy represents many clients, and clients on this machine are trusted.
    mayHaveMany: trustNetworks([...own.trustedProxies, "127.0.0.0/8", "::1"]),
    files: pages?.service,
    services: [access.refusals, createControlNotice(own, context.log), createLoginCleanUp(context)],
  };
}
