import type { z } from "zod";
import { defineResource } from "../model/define-resource.ts";
import { identifier, integer } from "../model/field-kinds.ts";

/** A line of history that a project builds. */
export const codebases = defineResource({
  name: "codebase",
  plural: "codebases",
  rights: { isNamed: true, needs: [] },
  rootLink: true,
  id: "codebaseid",
  from: "codebases cb",
  fields: {
    codebaseid: { schema: integer, sql: "cb.id" },
    projectid: { schema: integer, sql: "cb.projectid" },
    name: { schema: identifier(70), sql: "cb.name" },
    slug: { schema: identifier(70), sql: "cb.slug" },
  },
  paths: [
    { pattern: "codebases", kind: "collection" },
    { pattern: "codebases/n:codebaseid", kind: "single", where: "cb.id = :codebaseid" },
    {
      pattern: "projects/n:projectid/codebases/i:codebasename",
      kind: "single",
      where: "cb.projectid = :projectid and cb.name_hash = :sha1(codebasename)",
    },
  ],
  events: {
    names: { update: "Only Buildbot's masters publish it; pages show the codebase again." },
    topics: ["codebases/:codebaseid"],
  },
});

export type Codebase = z.output<typeof codebases.schema>;
