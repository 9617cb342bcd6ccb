import type { z } from "zod";
import { defineResource } from "../model/define-resource.ts";
import { bool, datetime, identifier, integer, text, wholeSeconds, wholeSecondsOrNull } from "../model/field-kinds.ts";

/** What users say of a builder that fails on a branch, or of a build: comments, "I am on it", and mutes. */
export const notes = defineResource({
  name: "note",
  plural: "notes",
  rights: { isNamed: true, needs: ["builders", "builds"] },
  id: "noteid",
  from: "mm_notes n",
  fields: {
    noteid: { schema: integer, sql: "n.id" },
    builderid: { schema: integer, sql: "n.builderid" },
    /** The builder and branch; null: it is about one build. */
    lineid: { schema: integer.nullable(), sql: "n.lineid" },
    buildid: { schema: integer.nullable(), sql: "n.buildid" },
    /** `comment`, `take` ("I am on it") or `mute`. */
    kind: { schema: identifier(8), sql: "n.kind" },
    at: { schema: datetime, sql: "n.at", read: wholeSeconds },
    /** The user who wrote it. */
    by: { schema: text, sql: "n.name" },
    /** Plain text; empty if it is not needed, and of a comment that was withdrawn. */
    text: { schema: text, sql: "n.words" },
    /** When a mute ends by itself; null: when a build passes, or when a user withdraws it. */
    until: { schema: datetime.nullable(), sql: "n.until", read: wholeSecondsOrNull },
    /** It ends when a build of the newest source passes. */
    until_good: { schema: bool, sql: "n.until_good = 1" },
    /** A mute or "I am on it" that is in force. */
    open: { schema: bool, sql: "(n.ended_at is null and n.kind <> 'comment')" },
    ended_at: { schema: datetime.nullable(), sql: "n.ended_at", read: wholeSecondsOrNull },
    /** The user who ended or withdrew it; null: a build passed, or its time was over. */
    ended_by: { schema: text.nullable(), sql: "n.ended_by" },
  },
  order: ["-noteid"],
  paths: [
    { pattern: "notes", kind: "collection" },
    { pattern: "notes/n:noteid", kind: "single", where: "n.id = :noteid" },
    { pattern: "lines/n:lineid/notes", kind: "collection", where: "n.lineid = :lineid" },
    // With what is said of its builder and branch.
    {
      pattern: "builds/n:buildid/notes",
      kind: "collection",
      where: `n.id in (
        select bn.id from mm_notes bn where bn.buildid = :buildid
        union
        select ln.id from mm_line_builds lb join mm_notes ln on ln.lineid = lb.lineid where lb.buildid = :buildid)`,
    },
  ],
  events: {
    names: {
      new: "Pages show it; without it, at their next read.",
      ended: "Pages no longer show it as open; without it, at their next read.",
    },
    topics: ["notes/:noteid"],
  },
});

export type Note = z.output<typeof notes.schema>;
