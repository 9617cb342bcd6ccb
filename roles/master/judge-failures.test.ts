import type { WriteProbe } from "@multimaster/cluster";
import { describe, expect, it } from "vitest";
import { judgeFailures } from "./judge-failures.ts";

const away = new Error("the database refuses");
const dialect = { isAway: (error: unknown) => error === away };
/** Whether a failure since second 100 is passed over, with a lease of 5 seconds. */
const isPassing = (error: unknown, accepted: [from: number, to: number] | undefined) => {
  const seconds = accepted && { from: accepted[0] * 1000, to: accepted[1] * 1000 };
  return judgeFailures(5000, { dialect }, { accepted: seconds } as Pick<WriteProbe, "accepted">).isPassing(
    error,
    100_000,
  );
};

describe("what a service fails with", () => {
  it.each<[string, unknown, [number, number] | undefined, boolean]>([
    ["is its own, unless the database is at fault", new Error("own"), undefined, false],
    ["is the database's while that takes no writes", away, undefined, true],
    ["is the database's when it has only just taken a write again", away, [120, 121], true],
    ["is the database's for a moment, although it takes other writes", away, [50, 109], true],
    ["is its own where the database has taken all other writes for two leases", away, [50, 110], false],
    ["is its own where it has taken them for two leases since an outage", away, [150, 160], false],
  ])("%s", (_name, error, accepted, expected) => {
    expect(isPassing(error, accepted)).toBe(expected);
  });
});
