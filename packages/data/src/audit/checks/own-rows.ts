import { isRequestFree, ownTables } from "@multimaster/database";
import { outboxBounds } from "@multimaster/lifecycle";
import type { Check } from "../check.ts";
import { someMasterWatches } from "../standing.ts";

/** Masters delete what has been answered twice a minute. */
const sweepSeconds = 60;

/** Reported by a check of its own, which says what it means. */
const withOwnCheck = new Set(["mm_change_deliveries"]);

/** Every reference of our tables, as the schema declares them: databases without enforced ones exist. */
const references = ownTables
  .filter((table) => !withOwnCheck.has(table.name))
  .flatMap(({ name, columns }) =>
    Object.entries(columns).flatMap(([column, { facts }]) =>
      facts.references ? [{ name, column, to: facts.references }] : [],
    ),
  );

/** Wishes are answered, and rows of ours go with what they belong to. */
export const ownRowChecks: readonly Check[] = [
  {
    id: "cancellation-unanswered",
    one: "A build request was cancelled that no master has, and it is still open",
    many: "{n} build requests were cancelled that no master has, and they are still open",
    means: "It is not built, but what waits for it waits on. Any live master ends it within a fifth of its lease.",
    advice: "See in the live masters' logs why they cannot.",
    sql: (at) => `select x.buildrequestid as id from mm_cancellations x join buildrequests r on r.id = x.buildrequestid
      where ${isRequestFree("r")} and x.requested_at <= ${at.before} and ${someMasterWatches(at, at.before)}`,
  },
  {
    id: "cancellation-left",
    one: "A cancellation is left of a build request that is complete",
    many: "{n} cancellations are left of build requests that are complete",
    means: "It has no effect; live masters take such rows away twice a minute.",
    advice: "See in the live masters' logs why they cannot.",
    sql: (at) => `select x.buildrequestid as id from mm_cancellations x join buildrequests r on r.id = x.buildrequestid
      where r.complete = 1 and r.complete_at <= ${at.before - sweepSeconds}
        and x.requested_at <= ${at.before - sweepSeconds} and ${someMasterWatches(at, at.before - sweepSeconds)}`,
  },
  {
    id: "stop-request-left",
    one: "A wish to stop a build is left although the build has ended",
    many: "{n} wishes to stop a build are left although the builds have ended",
    means: "It has no effect; live masters take such rows away twice a minute.",
    advice: "See in the live masters' logs why they cannot.",
    sql: (at) => `select q.buildid as id from mm_stop_requests q join builds b on b.id = q.buildid
      where b.complete_at <= ${at.before - sweepSeconds}
        and q.requested_at <= ${at.before - sweepSeconds} and ${someMasterWatches(at, at.before - sweepSeconds)}`,
  },
  {
    id: "outbox-overgrown",
    one: "The outbox keeps a row for longer than it should",
    many: "{n} rows of the outbox are older than they should be",
    means: "Live masters delete old rows of mm_outbox twice a minute; without that the table grows for ever.",
    advice: "See in the live masters' logs why they cannot.",
    // The oldest one stands for all of them.
    sql: (
      at,
    ) => `select o.id from mm_outbox o where o.id = (select min(id) from mm_outbox) and o.id < (select max(id) from mm_outbox) and o.owed is null
        and o.at < ${at.before - outboxBounds.seconds - sweepSeconds} and ${someMasterWatches(at, at.before - sweepSeconds)}`,
  },
  {
    id: "orphan-row",
    one: "A row refers to something that is not there",
    many: "{n} rows refer to something that is not there",
    means: "A row was deleted in a database that did not enforce references, or by hand.",
    advice: "Delete it. The id is its table, the column that refers, and to what.",
    sql: () =>
      references
        .map(
          ({ name, column, to }) => `select '${name}.${column} ' || cast(o.${column} as varchar(20)) as id
      from ${name} o where o.${column} is not null and not exists (select 1 from ${to.table} p where p.${to.column} = o.${column})`,
        )
        .join("\n union\n "),
  },
];
