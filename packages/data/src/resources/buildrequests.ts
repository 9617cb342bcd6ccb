import { claimantOf } from "@multimaster/database";
import type { z } from "zod";
import { defineResource } from "../model/define-resource.ts";
import { bool, datetime, integer, sourced } from "../model/field-kinds.ts";
import { buildsetPropertyTable, selectPieces } from "../read/property-pieces.ts";
import { literal } from "../read/select.ts";
import { loadBuildsetProperties } from "./buildset-properties.ts";

const incomplete = "(br.complete = 0 or br.complete is null)";

/** A request that one builder builds one buildset. The master that builds it claims it; the claim stays after completion. */
export const buildrequests = defineResource({
  name: "buildrequest",
  plural: "buildrequests",
  rights: { isNamed: true, needs: [] },
  rootLink: true,
  id: "buildrequestid",
  from: "buildrequests br left join buildrequest_claims bc on bc.brid = br.id",
  fields: {
    buildrequestid: { schema: integer, sql: "br.id" },
    buildsetid: { schema: integer, sql: "br.buildsetid" },
    builderid: { schema: integer, sql: "br.builderid", isShared: true },
    priority: { schema: integer, sql: "br.priority" },
    claimed: { schema: bool, sql: "bc.brid is not null", whenFalse: `${claimantOf("br")} is null` },
    claimed_at: { schema: datetime.nullable(), sql: "bc.claimed_at" },
    claimed_by_masterid: { schema: integer.nullable(), sql: "bc.masterid" },
    complete: { schema: bool, sql: "br.complete <> 0", whenFalse: incomplete },
    results: { schema: integer.nullable(), sql: "br.results" },
    submitted_at: { schema: datetime, sql: "br.submitted_at" },
    complete_at: { schema: datetime.nullable(), sql: "br.complete_at" },
    waited_for: { schema: bool, sql: "coalesce(br.waited_for, 0) <> 0" },
    properties: {
      schema: sourced.nullable(),
      sql: "br.buildsetid",
      load: loadBuildsetProperties,
      json: ({ connection, properties }, key) =>
        properties ? selectPieces(connection.dialect, buildsetPropertyTable, key, properties) : literal("null"),
      empty: null,
    },
  },
  order: ["buildrequestid"],
  filters: { claimed: (value) => (value ? undefined : incomplete) },
  paths: [
    { pattern: "buildrequests", kind: "collection" },
    { pattern: "buildrequests/n:buildrequestid", kind: "single", where: "br.id = :buildrequestid" },
    { pattern: "builders/n:builderid/buildrequests", kind: "collection", where: "br.builderid = :builderid" },
    {
      pattern: "builders/s:buildername/buildrequests",
      kind: "collection",
      where: "br.builderid in (select id from builders where name_hash = :sha1(buildername))",
    },
  ],
  events: {
    names: {
      new: "Engines that have the builder pick their work; ours also when they next poll. One of Buildbot's never starts a request that it missed.",
      claimed: "Pages show it; without it, at their next read.",
      unclaimed:
        "Engines that have the builder pick their work; ours also when they next poll. One of Buildbot's never starts a request that it missed.",
      complete: "Pages show it; without it, at their next read. What waits for a request waits for its buildset.",
      cancel: "Pages drop it from their queues; without it, at their next read.",
    },
    topics: [
      "buildsets/:buildsetid/builders/:builderid/buildrequests/:buildrequestid",
      "buildrequests/:buildrequestid",
      "builders/:builderid/buildrequests/:buildrequestid",
    ],
    only: { cancel: ["buildrequests/:buildrequestid"] },
    payload: (event, item) => (event === "cancel" ? null : item),
  },
});

export type BuildRequest = z.output<typeof buildrequests.schema>;
