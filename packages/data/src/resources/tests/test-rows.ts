/** The condition that a result is a failure, as its index has it; of Buildbot's own steps the value is 1 or 0. */
export const hasFailed = (result: string) => `${result}.value in ('error', 'fail', '0')`;

/** How a test ended, in one word. */
export const outcomeOf = (result: string) =>
  `case ${result}.value when '1' then 'pass' when '0' then 'fail' else ${result}.value end`;

/** Nanoseconds; what took longer than 32 bits hold stands in a table of ours, joined as `lt`. */
export const durationOf = (result: string) => `cast(coalesce(lt.duration_ns, ${result}.duration_ns) as bigint)`;

/** A set that says which tests passed and failed, and is complete. */
export const isWhole = (set: string) => `${set}.complete = 1 and ${set}.category = 'pass_fail'`;

/** Ids of the sets of each builder's newest build that tested something. `builders` is a condition on `builders bu`. */
export const newestSets = (builders: string) => `
  select s.id from (select
      (select n.buildid from test_result_sets n where n.builderid = bu.id and ${isWhole("n")}
        order by n.buildid desc limit 1) as buildid
    from builders bu where ${builders}) newest
  join test_result_sets s on s.buildid = newest.buildid and ${isWhole("s")}`;

/** How far back tests are looked at, in builds of a builder. */
export const recentBuilds = 20;

/** How many of the slowest tests of each set are looked at. */
const slowestOfSet = 20;

/** Ids of the slowest results of these sets. */
export const slowestResults = (sets: string) => `
  with s as materialized (select x.id, coalesce(
      (select t.duration_ns from test_results t where t.test_result_setid = x.id and t.duration_ns is not null
        order by t.duration_ns desc limit 1 offset ${slowestOfSet - 1}), 1) as least from (${sets}) x)
  select r.id from s join test_results r on r.test_result_setid = s.id and r.duration_ns >= s.least`;
