/** The condition that a result is a failure, as its index has it; of Buildbot's own steps the value is 1 or 0. */
export const hasFailed = (result: string) => `${result}.value in ('error', 'fail', '0')`;

/** How a test ended, in one word. */
export const outcomeOf = (result: string) =>
  `case ${result}.value when '1' then 'pass' when '0' then 'fail' else ${result}.value end`;

/** Durations that 32 bits do not hold, which is what Buildbot's column has. */
const longTests = { name: "mm_long_tests", key: "test_resultid" };

/** Nanoseconds, of Buildbot's column or of our table beside it. */
export const durationOf = (result: string) => {
  const stored = `coalesce(${longTests.name}.duration_ns, ${result}.duration_ns)`;
  const sql = `case when ${stored} > ${Number.MAX_SAFE_INTEGER} then ${Number.MAX_SAFE_INTEGER} when ${stored} < 0 then 0 else cast(${stored} as bigint) end`;
  return { sql, beside: longTests };
};

/** A set that says which tests passed and failed, and is complete. */
export const isWhole = (set: string) => `${set}.complete = 1 and ${set}.category = 'pass_fail'`;
