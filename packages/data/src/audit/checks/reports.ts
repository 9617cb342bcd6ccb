import type { Check } from "../check.ts";
import { someMasterWatches } from "../standing.ts";

/** Targets may be away for a moment; an operator is to hear of more. */
const overdueSeconds = 600;

/** Each report that is owed is sent in time, or is listed with the reason why it is not. */
export const reportChecks: readonly Check[] = [
  {
    id: "report-overdue",
    one: "A reporter owes a report for more than ten minutes",
    many: "{n} reporters owe reports for more than ten minutes",
    means:
      "Its target takes none, or no master with the role scheduler whose config has it sends for it. Nothing is lost: they are sent in order when it does.",
    advice: 'See why with "master report list" or on the page Reports. The id is the reporter\'s.',
    sql: (at) => `select rp.id from mm_reporters rp where rp.configured = 1 and (exists (
      select 1 from mm_reports p where p.reporterid = rp.id and p.state = 'owed' and p.happened_at <= ${at.before - overdueSeconds})
      or exists (select 1 from mm_reports p where p.reporterid = rp.id and p.context = '' and p.state = 'unasked'
        and p.happened_at <= ${at.before - overdueSeconds}))`,
  },
  {
    id: "report-given-up",
    one: "A report was given up",
    many: "{n} reports were given up",
    means:
      "Its target refused it several times or was away for too long, or a function of the config failed for it each time: the target does not know what happened.",
    advice:
      '"master report list NAME" says which of these it was. Mend that, and send it again on the page Reports or with "master report retry NAME --dead". It is forgotten after 30 days.',
    sql: () => "select p.id from mm_reports p where p.state = 'dead'",
  },
  {
    id: "reporter-filter-suspended",
    one: "The filter of a reporter is not called for a while, because it kept blocking its master",
    many: "{n} reporters have filters that are not called for a while, because they kept blocking their master",
    means:
      "What the filter would leave out is reported too, so that nothing is lost. Other reporters are not concerned.",
    advice:
      'Mend the function `filter` in the config, and start the scheduler masters again. "master report list" says since when. The id is the reporter\'s.',
    sql: () => "select rp.id from mm_reporters rp where rp.configured = 1 and rp.suspended is not null",
  },
  {
    id: "event-not-handed-out",
    one: "Something happened that reporters want and have not been asked about",
    many: "{n} things happened that reporters want and have not been asked about",
    means:
      "No master with the role scheduler runs, or the last one has a config without reporters that stopped too early.",
    advice: "Start a master with the role scheduler: what is owed is reported then.",
    sql: (at) => `select o.id from mm_outbox o where o.owed = 1 and o.at <= ${at.before - overdueSeconds}
      and ${someMasterWatches(at, at.before - overdueSeconds)}`,
  },
  {
    id: "report-out-of-order",
    one: "A report was sent although an earlier one of its context is still owed",
    many: "{n} reports were sent although earlier ones of their contexts are still owed",
    means: "The target may show an old state as the newest.",
    advice: "Report the fault with the logs of the scheduler masters. The id is that of the report that was sent.",
    sql: () => `select distinct l.id from mm_reports e join mm_reports l on l.reporterid = e.reporterid and l.context = e.context
      and l.id > e.id and l.state = 'sent' where e.state = 'owed' and e.failing_since is null`,
  },
];
