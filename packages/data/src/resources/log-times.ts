import { defineResource } from "../model/define-resource.ts";
import { datetime, integer } from "../model/field-kinds.ts";

/**
 * When lines of a log were printed: those from `firstline` to the next one's at this time or a little later. Lines before
 * the first one were printed when the step began; a log of an earlier release has none.
 */
export const logTimes = defineResource({
  name: "log_time",
  plural: "log_times",
  rights: { needs: ["logs"] },
  id: "firstline",
  from: "mm_log_times lt",
  fields: {
    logid: { schema: integer, sql: "lt.logid" },
    firstline: { schema: integer, sql: "lt.first_line" },
    at: { schema: datetime, sql: "lt.at" },
  },
  order: ["firstline"],
  paths: [{ pattern: "logs/n:logid/times", kind: "collection", where: "lt.logid = :logid" }],
});
