import type { z } from "zod";
import { defineResource } from "../model/define-resource.ts";
import { bool, identifier, integer, text } from "../model/field-kinds.ts";

const hasActiveBuilder =
  "exists (select 1 from builders pb join builder_masters pm on pm.builderid = pb.id where pb.projectid = p.id)";

/** A group of builders. */
export const projects = defineResource({
  name: "project",
  plural: "projects",
  rights: { isNamed: true, needs: [] },
  rootLink: true,
  id: "projectid",
  from: "projects p",
  fields: {
    projectid: { schema: integer, sql: "p.id" },
    name: { schema: identifier(70), sql: "p.name" },
    slug: { schema: identifier(70), sql: "p.slug" },
    active: {
      schema: bool.nullable(),
      sql: hasActiveBuilder,
      // Only said when it was asked about, as clients are used to.
      read: (value, { filters }) => (filters.some((filter) => filter.field === "active") ? Boolean(value) : null),
    },
    description: { schema: text.nullable(), sql: "p.description" },
    description_format: { schema: text.nullable(), sql: "p.description_format" },
    description_html: { schema: text.nullable(), sql: "p.description_html" },
  },
  order: ["name", "projectid"],
  paths: [
    { pattern: "projects", kind: "collection" },
    { pattern: "projects/n:projectid", kind: "single", where: "p.id = :projectid" },
    { pattern: "projects/i:projectname", kind: "single", where: "p.name_hash = :sha1(projectname)" },
  ],
  events: {
    names: { update: "Pages show the new project; without it, at their next read." },
    topics: ["projects/:projectid"],
  },
});

export type Project = z.output<typeof projects.schema>;
