import type { UiSlice } from "@multimaster/config";
import { Results } from "@multimaster/core";
import { type Build, type Builder, builders, builds, equals } from "@multimaster/data";
import type Koa from "koa";
import type { RoleContext } from "../../define-role.ts";
import { escapeXml } from "./escape-xml.ts";
import { latestBuild } from "./latest-build.ts";

/** Many desktop programs poll every few seconds; one read of all builders serves all of them. */
const keptMs = 5_000;

/** `/cc.xml`: one project per builder, in the format of CCTray and similar programs. */
export function serveCcXml({ config, data, clock }: RoleContext<UiSlice>): Koa.Middleware {
  let kept: { readonly until: number; readonly projects: Promise<Project[]> } | undefined;

  async function readProjects(): Promise<Project[]> {
    const [all, running] = await Promise.all([
      data.find(builders, { order: ["name"] }),
      data.find(builds, { filters: [equals("complete", false)], fields: ["builderid"] }),
    ]);
    const busy = new Set(running.rows.map(({ builderid }) => builderid));
    const projects: Project[] = [];
    for (const builder of all.rows.filter(({ masterids }) => masterids.length > 0)) {
      const last = await latestBuild(data, builder.builderid, "ended");
      projects.push({ builder, last, isBusy: busy.has(builder.builderid) });
    }
    return projects;
  }

  return async (ctx, next) => {
    if (ctx.path !== "/cc.xml" || (ctx.method !== "GET" && ctx.method !== "HEAD")) return next();
    if (!kept || kept.until < clock.now()) {
      const projects = readProjects();
      kept = { until: clock.now() + keptMs, projects };
      projects.catch(() => {
        kept = undefined;
      });
    }
    const base = config.shared.url ?? `${ctx.protocol}://${ctx.host}/`;
    const lines = (await kept.projects).map((project) => projectXml(project, base));
    ctx.set("Cache-Control", "no-cache");
    ctx.type = "application/xml; charset=utf-8";
    ctx.body = ['<?xml version="1.0" encoding="UTF-8"?>', "<Projects>", ...lines, "</Projects>", ""].join("\n");
  };
}

interface Project {
  readonly builder: Builder;
  readonly last: Build | undefined;
  readonly isBusy: boolean;
}

function projectXml({ builder, last, isBusy }: Project, base: string): string {
  const attributes = {
    name: builder.name,
    activity: isBusy ? "Building" : "Sleeping",
    lastBuildStatus: statusOf(last),
    lastBuildLabel: last ? String(last.number) : "",
    lastBuildTime: new Date((last?.complete_at ?? 0) * 1000).toISOString(),
    webUrl: `${base}#/builders/${builder.builderid}`,
  };
  const text = Object.entries(attributes).map(([name, value]) => `${name}="${escapeXml(value)}"`);
  return `  <Project ${text.join(" ")}/>`;
}

function statusOf(build: Build | undefined): string {
  switch (build?.results) {
    case Results.SUCCESS:
    case Results.WARNINGS:
      return "Success";
    case Results.FAILURE:
      return "Failure";
    case Results.EXCEPTION:
      return "Exception";
    default:
      return "Unknown";
  }
}
