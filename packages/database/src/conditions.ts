/** SQL conditions that more than one room asks, each written once; `alias` is that of the table in the query. */

/** On `mm_leases`: its master was not evicted and has not left, whatever the clock says. It may still write. */
export const isLeaseOpen = (alias: string): string => `${alias}.buried_at is null and ${alias}.ended_at is null`;

/** On `mm_leases`: its master is live. `now` is SQL or a number, by the database's clock. */
export const isLeaseLive = (alias: string, now: string | number): string =>
  `${isLeaseOpen(alias)} and ${alias}.expires_at > ${now}`;

/**
 * On `mm_leases`: for how many seconds its live master has not renewed it, if two renewals in a row are missing (five come in
 * a lease); null otherwise. `now` is SQL or a number.
 */
export const silenceOf = (alias: string, now: string | number): string =>
  `case when ${isLeaseOpen(alias)} and ${now} - ${alias}.renewed_at > ${alias}.lease_s * 0.4 then ${now} - ${alias}.renewed_at end`;

/** On `buildrequests`: open, and no master has claimed it. */
export const isRequestFree = (alias: string): string =>
  `${alias}.complete = 0 and not exists (select 1 from buildrequest_claims c where c.brid = ${alias}.id)`;

/**
 * On `buildrequests`: the id of the master that has claimed it, null if none has. Claims of complete requests stay: joined
 * to the open requests, PostgreSQL may read all that a master ever claimed; here it looks up one claim for each request.
 */
export const claimantOf = (alias: string): string =>
  `(select c.masterid from buildrequest_claims c where c.brid = ${alias}.id)`;

/** On `buildrequests`: someone has cancelled it, and it has not ended yet. */
export const isRequestCancelled = (alias: string): string =>
  `exists (select 1 from mm_cancellations x where x.buildrequestid = ${alias}.id)`;

/** On `buildrequests`: a master may claim it to build it. */
export const isRequestClaimable = (alias: string): string =>
  `${isRequestFree(alias)} and not ${isRequestCancelled(alias)}`;

/** On `buildrequests`: its build may not begin before a user approves it. */
export const isUnapproved = (alias: string): string =>
  `exists (select 1 from mm_approvals a where a.buildrequestid = ${alias}.id and a.decision is null)`;

/** On `buildrequests`: neither a rule of its builder nor an approval makes it wait. `now` is SQL or a number. */
export const isRequestDue = (alias: string, now: string | number): string =>
  `not ${isUnapproved(alias)} and not exists (select 1 from mm_request_retries q where q.buildrequestid = ${alias}.id and q.retry_at > ${now})`;
