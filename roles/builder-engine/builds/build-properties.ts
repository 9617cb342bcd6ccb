import { type Json, Properties, trustedProperty } from "@multimaster/core";
import type { RequestDetails } from "@multimaster/data";
import { isForkBuild } from "./fork-build.ts";

export interface BuildPropertyFacts {
  readonly request: RequestDetails;
  readonly builder: {
    readonly builderid: number;
    readonly name: string;
    readonly properties: Readonly<Record<string, Json>>;
  };
  readonly worker: {
    readonly name: string;
    readonly basedir: string;
    readonly properties: Readonly<Record<string, Json>>;
  };
  readonly buildNumber: number;
  readonly builddir: string;
}

/** The properties a build starts with. Later lines win over earlier ones, as in Buildbot. */
export function makeBuildProperties(facts: BuildPropertyFacts): Properties {
  const { request, builder, worker } = facts;
  const properties = new Properties();
  const setAll = (values: Readonly<Record<string, Json>>, source: string) => {
    for (const [name, value] of Object.entries(values)) properties.set(name, value, source);
  };

  for (const change of request.changes) properties.merge(change.properties);
  properties.merge(request.properties);
  setAll(builder.properties, "Builder");
  setAll(worker.properties, "Worker");

  const stamps = request.sourceStamps;
  // One source stamp: plain values. Several: a property per kind, by codebase.
  for (const key of ["branch", "revision", "repository", "project", "codebase"] as const) {
    const [first] = stamps;
    if (stamps.length === 1 && first) properties.set(key, first[key] ?? (key === "revision" ? "" : null), "Build");
    else if (stamps.length > 1)
      properties.set(key, Object.fromEntries(stamps.map((stamp) => [stamp.codebase, stamp[key]])), "Build");
  }
  const owners = listOwners(request, properties);
  if (owners.length > 0) {
    properties.set("owners", owners, "Build");
    const [owner] = owners;
    if (owners.length === 1 && owner !== undefined && !properties.has("owner")) properties.set("owner", owner, "Build");
  }

  properties.set("buildername", builder.name, "Builder");
  properties.set("builderid", builder.builderid, "Builder");
  properties.set("buildnumber", facts.buildNumber, "Build");
  properties.set("workername", worker.name, "Worker");
  properties.set("basedir", worker.basedir, "Worker");
  properties.set("builddir", facts.builddir, "Worker");
  properties.set(trustedProperty, !isForkBuild(request), "Build");
  return properties;
}

function listOwners(request: RequestDetails, properties: Properties): string[] {
  const owners = new Set(request.changes.map((change) => change.author));
  const asked = properties.get("owner");
  if (typeof asked === "string") owners.add(asked);
  return [...owners].sort();
}
