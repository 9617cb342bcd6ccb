import type { z } from "zod";
import { defineResource } from "../model/define-resource.ts";
import { datetime, identifier, integer, text, wholeSeconds } from "../model/field-kinds.ts";

/** Why build requests ended without a build of their own: collapsed into another one, or cancelled. */
export const requestEnds = defineResource({
  name: "request_end",
  plural: "request_ends",
  rights: { needs: ["buildrequests", "builders"] },
  id: "buildrequestid",
  from: "mm_request_ends re join buildrequests br on br.id = re.buildrequestid join builders bu on bu.id = br.builderid",
  fields: {
    buildrequestid: { schema: integer, sql: "re.buildrequestid" },
    buildsetid: { schema: integer, sql: "br.buildsetid" },
    builderid: { schema: integer, sql: "br.builderid" },
    builder: { schema: text, sql: "bu.name" },
    /** `collapsed` or `cancelled`. */
    kind: { schema: identifier(16), sql: "re.kind" },
    /** Of a collapsed request: the one that builds its changes. */
    into_requestid: { schema: integer.nullable(), sql: "re.into_requestid" },
    /** Of a cancelled request: why. */
    reason: { schema: text.nullable(), sql: "re.reason" },
    ended_at: { schema: datetime, sql: "re.ended_at", read: wholeSeconds },
  },
  order: ["buildrequestid"],
  paths: [
    { pattern: "request_ends", kind: "collection" },
    { pattern: "request_ends/n:buildrequestid", kind: "single", where: "re.buildrequestid = :buildrequestid" },
    { pattern: "buildrequests/n:buildrequestid/end", kind: "single", where: "re.buildrequestid = :buildrequestid" },
    {
      pattern: "buildrequests/n:buildrequestid/collapsed",
      kind: "collection",
      where: "re.into_requestid = :buildrequestid",
    },
  ],
});

export type RequestEnd = z.output<typeof requestEnds.schema>;
