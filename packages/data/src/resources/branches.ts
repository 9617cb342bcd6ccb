import type { z } from "zod";
import { defineResource } from "../model/define-resource.ts";
import { integer, shownNullable, text } from "../model/field-kinds.ts";

/** A branch of a codebase with its newest known commit. */
export const branches = defineResource({
  name: "branch",
  plural: "branches",
  rights: { needs: ["codebases"] },
  id: "branchid",
  from: "codebase_branches br",
  fields: {
    branchid: { schema: integer, sql: "br.id" },
    codebaseid: { schema: integer, sql: "br.codebaseid" },
    name: { schema: text, sql: "br.name" },
    commitid: { schema: shownNullable(integer.nullable(), false), sql: "br.commitid" },
    last_timestamp: { schema: integer, sql: "br.last_timestamp" },
  },
  paths: [
    { pattern: "branches/n:branchid", kind: "single", where: "br.id = :branchid" },
    { pattern: "codebases/n:codebaseid/branches", kind: "collection", where: "br.codebaseid = :codebaseid" },
  ],
  events: {
    names: { update: "Only Buildbot's masters publish it; pages show the branch again." },
    topics: ["branches/:branchid"],
  },
});

export type Branch = z.output<typeof branches.schema>;
