import { expect, it } from "vitest";
import { findViolations } from "../../harness/checks.ts";
import { startCluster } from "../../harness/cluster.ts";
import { openSession } from "../../harness/database-session.ts";
import { isLong } from "../../harness/long-form.ts";
import { waitFor } from "../../harness/wait-for.ts";
import { whatRan } from "./what-ran.ts";

const config = "test/cluster/configs/ledger/cluster.ts";
const requests = isLong ? 1000 : 60;

it("two engines build every request once though the server rolls back every second claim and every second new build", async () => {
  const cluster = await startCluster({ config, env: { POLL: "no" } });
  const front = await cluster.master({ roles: ["ui", "scheduler"], name: "front" });
  await front.waitReady();
  const session = await openSession(cluster);
  await session.run(`
    create function roll_back() returns trigger language plpgsql as $$ begin
      if random() < 0.5 then raise exception 'not this time' using errcode = 'serialization_failure'; end if;
      return null;
    end $$;
    create trigger roll_back after insert on buildrequest_claims for each statement execute function roll_back();
    create trigger roll_back after insert on builds for each statement execute function roll_back();`);
  const one = await cluster.master({ roles: ["builder-engine"], name: "one" });
  const two = await cluster.master({ roles: ["builder-engine"], name: "two" });
  await cluster.ownWorkers(one, front, ["w1", "w2"]);
  await cluster.ownWorkers(two, front, ["w3", "w4"]);
  for (let n = 0; n < requests / 2; n++)
    await front.apiPost("forceschedulers/force", "force", { builderNames: ["job", "other"], reason: String(n) });

  await waitFor(
    async () => (await cluster.rows("select 1 from buildrequests where complete = 1")).length === requests,
    { what: "all requests to be complete", timeoutMs: isLong ? 900_000 : 150_000 },
  );
  expect(
    await cluster.rows("select count(*)::int as builds, count(distinct buildrequestid)::int as requests from builds"),
  ).toEqual([{ builds: requests, requests }]);
  expect(await cluster.rows("select distinct results from builds")).toEqual([{ results: 0 }]);
  expect((await cluster.rows("select distinct masterid from builds")).length).toBe(2);
  const ends = whatRan(cluster).filter((line) => line.startsWith("end"));
  expect([ends.length, new Set(ends).size]).toEqual([requests, requests]);
  expect(await findViolations(cluster)).toEqual([]);
}, 960_000);
