import type { z } from "zod";
import { defineResource } from "../model/define-resource.ts";
import { integer, text } from "../model/field-kinds.ts";

/** A commit of a codebase. */
export const commits = defineResource({
  name: "commit",
  plural: "commits",
  rights: { needs: ["codebases"] },
  id: "commitid",
  from: "codebase_commits co",
  fields: {
    commitid: { schema: integer, sql: "co.id" },
    codebaseid: { schema: integer, sql: "co.codebaseid" },
    author: { schema: text, sql: "co.author" },
    committer: { schema: text.nullable(), sql: "co.committer" },
    comments: { schema: text, sql: "co.comments" },
    when_timestamp: { schema: integer, sql: "co.when_timestamp" },
    revision: { schema: text, sql: "co.revision" },
    parent_commitid: { schema: integer.nullable(), sql: "co.parent_commitid" },
  },
  paths: [
    { pattern: "commits/n:commitid", kind: "single", where: "co.id = :commitid" },
    { pattern: "codebases/n:codebaseid/commits", kind: "collection", where: "co.codebaseid = :codebaseid" },
    {
      pattern: "codebases/n:codebaseid/commits_by_revision/s:revision",
      kind: "single",
      where: "co.codebaseid = :codebaseid and co.revision = :revision",
    },
  ],
  events: {
    names: { new: "Only Buildbot's masters publish it; pages show the commit." },
    topics: ["commits/:commitid", "codebases/:codebaseid/commits/:commitid"],
  },
});

export type Commit = z.output<typeof commits.schema>;
