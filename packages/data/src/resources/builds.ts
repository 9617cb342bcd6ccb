import type { z } from "zod";
import { type AnyResource, defineResource } from "../model/define-resource.ts";
import { bool, datetime, integer, shownNullable, sourced, text } from "../model/field-kinds.ts";
import { columnOf } from "../model/table-beside.ts";
import { buildPropertyTable, selectPieces } from "../read/property-pieces.ts";
import { literal } from "../read/select.ts";
import { buildPaths } from "./build-paths.ts";
import { loadBuildProperties } from "./build-properties.ts";
import { listBuildsOfLine } from "./failing/builds-of-line.ts";

/** The builds themselves, which their own paths read. */
const theseBuilds = (): AnyResource => builds;

const keptBuilds = { name: "mm_kept_builds", key: "buildid" };

/** One attempt to fulfil a build request. */
export const builds = defineResource({
  name: "build",
  plural: "builds",
  rights: { isNamed: true, needs: [] },
  rootLink: true,
  id: "buildid",
  from: "builds b",
  fields: {
    buildid: { schema: integer, sql: "b.id" },
    number: { schema: integer, sql: "b.number" },
    builderid: { schema: integer, sql: "b.builderid", isShared: true },
    buildrequestid: { schema: integer, sql: "b.buildrequestid" },
    workerid: { schema: shownNullable(integer.nullable(), false), sql: "b.workerid", isShared: true },
    masterid: { schema: integer, sql: "b.masterid" },
    started_at: { schema: datetime, sql: "b.started_at" },
    complete: { schema: bool, sql: "b.complete_at is not null", whenFalse: "b.complete_at is null" },
    complete_at: { schema: datetime.nullable(), sql: "b.complete_at" },
    locks_duration_s: { schema: integer, sql: "b.locks_duration_s" },
    results: { schema: integer.nullable(), sql: "b.results" },
    state_string: { schema: text, sql: "b.state_string" },
    /** Who keeps it from being deleted, since when and why; null: no one. */
    kept_by: { schema: text.nullable(), isDetail: true, ...columnOf(keptBuilds, "name") },
    kept_at: { schema: datetime.nullable(), isDetail: true, ...columnOf(keptBuilds, "at") },
    kept_reason: { schema: text.nullable(), isDetail: true, ...columnOf(keptBuilds, "reason") },
    properties: {
      schema: shownNullable(sourced, true),
      sql: "b.id",
      load: loadBuildProperties,
      json: ({ connection, properties }, key) =>
        properties ? selectPieces(connection.dialect, buildPropertyTable, key, properties) : literal("{}"),
      empty: {},
    },
  },
  order: ["buildid"],
  paths: [
    { pattern: "builds", kind: "collection" },
    ...buildPaths.map(({ prefix, build }) => ({ pattern: prefix, kind: "single", where: build }) as const),
    { pattern: "builders/n:builderid/builds", kind: "collection", where: "b.builderid = :builderid" },
    {
      pattern: "builders/s:buildername/builds",
      kind: "collection",
      where: "b.builderid in (select id from builders where name_hash = :sha1(buildername))",
    },
    {
      pattern: "buildrequests/n:buildrequestid/builds",
      kind: "collection",
      where: "b.buildrequestid = :buildrequestid",
    },
    {
      pattern: "changes/n:changeid/builds",
      kind: "collection",
      where: `b.buildrequestid in (select br.id from changes ch
        join buildset_sourcestamps bss on bss.sourcestampid = ch.sourcestampid
        join buildrequests br on br.buildsetid = bss.buildsetid where ch.changeid = :changeid)`,
    },
    { pattern: "lines/n:lineid/builds", kind: "collection", rows: listBuildsOfLine(theseBuilds) },
    { pattern: "workers/n:workerid/builds", kind: "collection", where: "b.workerid = :workerid" },
    {
      pattern: "builds/n:buildid/triggered_builds",
      kind: "collection",
      where: `b.buildrequestid in (select br.id from buildsets bs join buildrequests br on br.buildsetid = bs.id
        where bs.parent_buildid = :buildid)`,
    },
  ],
  events: {
    names: {
      new: "Pages and `master start` show it; without it, at their next read.",
      update: "Pages show its state; without it, at their next read.",
      finished: "Pages and `master start` show its result; without it, at their next read.",
    },
    topics: ["builders/:builderid/builds/:number", "builds/:buildid", "workers/:workerid/builds/:buildid"],
  },
});

export type Build = z.output<typeof builds.schema>;
