import type { z } from "zod";
import { defineResource } from "../model/define-resource.ts";
import { bool, datetime, integer, text, wholeSeconds } from "../model/field-kinds.ts";
import { buildIds, buildPaths } from "./build-paths.ts";

/** A file that a build left in the artifact store. What is being uploaded is none yet, and a cache never is one. */
export const artifacts = defineResource({
  name: "artifact",
  plural: "artifacts",
  rights: { isNamed: true, needs: ["steps"] },
  id: "artifactid",
  from: "(select * from mm_artifacts where state = 'complete' and cache_scope is null) a",
  fields: {
    artifactid: { schema: integer, sql: "a.artifactid" },
    buildid: { schema: integer, sql: "a.buildid" },
    builderid: { schema: integer, sql: "a.builderid" },
    stepid: { schema: integer, sql: "a.stepid" },
    /** May have directories, separated by `/`. */
    name: { schema: text, sql: "a.name" },
    size: { schema: integer, sql: "a.size", read: Number },
    sha256: { schema: text, sql: "a.sha256" },
    /** Of a build of a fork's code: links to the latest artifact skip it. */
    from_fork: { schema: bool, sql: "a.from_fork <> 0" },
    created_at: { schema: datetime, sql: "a.created_at", read: wholeSeconds },
  },
  order: ["artifactid"],
  paths: [
    { pattern: "artifacts", kind: "collection" },
    { pattern: "artifacts/n:artifactid", kind: "single", where: "a.artifactid = :artifactid" },
    ...buildPaths.map(
      ({ prefix, build }) =>
        ({ pattern: `${prefix}/artifacts`, kind: "collection", where: `a.buildid in ${buildIds(build)}` }) as const,
    ),
    { pattern: "steps/n:stepid/artifacts", kind: "collection", where: "a.stepid = :stepid" },
    { pattern: "builders/n:builderid/artifacts", kind: "collection", where: "a.builderid = :builderid" },
  ],
  events: {
    names: {
      new: "Pages of the build show it; without it, at their next read. Of many, the first hundred are published.",
    },
    topics: ["artifacts/:artifactid", "builds/:buildid/artifacts/:artifactid"],
  },
});

export type Artifact = z.output<typeof artifacts.schema>;
