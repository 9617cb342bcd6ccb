import type { Check, Moment } from "../check.ts";

/** Logs of the builds in the window, but those whose text a clean-up has deleted (type "d"). */
const logsOf = ({ since }: Moment) => `builds b join steps s on s.buildid = b.id
  join logs g on g.stepid = s.id and g.type <> 'd' and b.started_at >= ${since}`;

/** A log is all of its lines, and ends with its step. Lines and their number change in one transaction. */
export const logChecks: readonly Check[] = [
  {
    id: "log-with-gap",
    one: "A log has a gap or an overlap in its lines",
    many: "{n} logs have gaps or overlaps in their lines",
    means: "Output is missing, or shown twice.",
    advice: "Report the fault with the log of the build's master. What is missing is only to be had by building again.",
    windowed: true,
    sql: (at) => `select distinct logid as id from (
        select c.logid, c.first_line, c.last_line,
          lag(c.last_line, 1, -1) over (partition by c.logid order by c.first_line) as last_before
        from ${logsOf(at)} join logchunks c on c.logid = g.id) k
      where first_line <> last_before + 1 or last_line < first_line`,
  },
  {
    id: "log-lines-miscounted",
    one: "A log has another number of lines than it says",
    many: "{n} logs have another number of lines than they say",
    means: "Its end is missing, or is never shown.",
    advice: "Report the fault with the log of the build's master.",
    windowed: true,
    sql: (at) => `select g.id from ${logsOf(at)}
      where g.num_lines <> coalesce((select max(c.last_line) + 1 from logchunks c where c.logid = g.id), 0)`,
  },
  {
    id: "log-of-ended-step",
    one: "A log is open although its step has ended",
    many: "{n} logs are open although their steps have ended",
    means: "Who follows it waits for ever. The step ended as EXCEPTION when its log could not be stored.",
    advice: "See in the log of the build's master what could not be stored, then set its complete to 1.",
    windowed: true,
    sql: (at) => `select g.id from ${logsOf(at)} where g.complete <> 1 and s.complete_at <= ${at.before}`,
  },
];
