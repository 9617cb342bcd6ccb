import type { z } from "zod";
import { defineResource } from "../../model/define-resource.ts";
import { bool, integer, text } from "../../model/field-kinds.ts";

/** Branches that a builder has built, each with whether it fails now. */
export const builderLines = defineResource({
  name: "builder_line",
  plural: "builder_lines",
  rights: { isNamed: true, needs: ["builders"] },
  id: "lineid",
  from: "mm_builder_lines l",
  fields: {
    lineid: { schema: integer, sql: "l.lineid" },
    builderid: { schema: integer, sql: "l.builderid" },
    /** Null: the default branch, or several codebases with different ones. */
    branch: { schema: text.nullable(), sql: "l.branch" },
    source: { schema: text, sql: "l.source" },
    /** The source in lower case, for searches. */
    words: { schema: text, sql: "lower(l.source)" },
    failing: { schema: bool, sql: "l.failing = 1" },
  },
  order: ["lineid"],
  paths: [
    { pattern: "builders/n:builderid/lines", kind: "collection", where: "l.builderid = :builderid" },
    { pattern: "lines/n:lineid", kind: "single", where: "l.lineid = :lineid" },
  ],
});

export type BuilderLine = z.output<typeof builderLines.schema>;
