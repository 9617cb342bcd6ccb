import { createRequire } from "node:module";
import type { ClusterConfig, UiSlice } from "@multimaster/config";
import type { Json } from "@multimaster/core";
import type Koa from "koa";
import type { Site } from "./site.ts";

const { version } = createRequire(import.meta.url)("@multimaster/roles/package.json") as { version: string };

/** What the page gets about the login and the visitor. */
interface ShownLogin {
  readonly auth: Json;
  readonly user: Json;
}

/** What the frontend asks its server about itself (docs/spec/web-contract.md §1.3). */
export function frontendConfig(
  ctx: Koa.Context,
  { own, shared, site, login }: { own: UiSlice; shared: ClusterConfig; site: Site; login: ShownLogin },
): Json {
  const url = shared.url ?? `${ctx.protocol}://${ctx.host}/`;
  return {
    ...login,
    title: own.title,
    titleURL: url,
    buildbotURL: url,
    multiMaster: true,
    plugins: Object.fromEntries(site.plugins.map((name) => [name, {}])),
    ui_default_config: {},
    versions: [
      ["Multimaster", version],
      ["Node.js", process.versions.node],
      ["Buildbot's frontend", site.version],
    ],
    avatar_methods: [{ name: "initials" }],
  };
}
