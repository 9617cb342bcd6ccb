import { silentLog, systemClock } from "@multimaster/core";
import { execute } from "@multimaster/database";
import { beforeEach, describe, expect, it } from "vitest";
import type { Build } from "../../../roles/builder-engine/builds/build.ts";
import { StrayClaims } from "../../../roles/builder-engine/builds/stray-claims.ts";
import { buildsetFor, type Member, startMasters, type TestMasters } from "../../harness/masters-with-data.ts";
import { engines } from "../../harness/test-databases.ts";

describe.each(engines)("claims without a build, on %s", (engine) => {
  let masters: TestMasters;
  let master: Member;
  let now: number;
  let working: Set<number>;
  let end: (buildrequestid: number) => void;
  let strays: StrayClaims;

  beforeEach(async () => {
    masters = await startMasters(engine);
    master = await masters.join();
    now = 1_000_000;
    working = new Set();
    strays = new StrayClaims({
      data: { updates: master.updates },
      builds: {
        isWorkingFor: (id) => working.has(id),
        onChange(listener) {
          end = (buildrequestid) => listener({ buildrequestid } as Build, "ended");
          return () => undefined;
        },
      },
      clock: { ...systemClock, now: () => now },
      log: silentLog,
    });
  });

  const look = (isClaiming: (id: number) => boolean = () => false) => {
    now += 5000;
    return strays.release(isClaiming);
  };
  const addRequests = async (count: number) => {
    const names = Array.from({ length: count }, (_, i) => `b${i}`);
    return Object.values((await master.updates.buildsets.add(buildsetFor(...names))).requests).toSorted(
      (a, b) => a - b,
    );
  };
  const claimed = async () =>
    (await masters.rows<{ brid: number }>("select brid from buildrequest_claims order by brid")).map(
      ({ brid }) => brid,
    );

  it("are released: of a lost answer immediately, others when they were seen twice", async () => {
    const [lost, failed, built, starting] = (await addRequests(4)) as [number, number, number, number];
    await master.updates.buildrequests.claim([lost, failed, built, starting]);
    strays.noteUnanswered(lost);
    working.add(built);
    end(failed);
    const isClaiming = (id: number) => id === starting;
    await look(isClaiming);
    expect(await claimed()).toEqual([failed, built, starting]);
    await look(isClaiming);
    expect(await claimed()).toEqual([built, starting]);
    // One whose build ended a moment ago, and whose row is written before the next look.
    working.delete(built);
    end(built);
    await look(isClaiming);
    await execute(masters.database, "update buildrequests set complete = 1 where id = ?", [built]);
    await look(isClaiming);
    expect(await claimed()).toEqual([built, starting]);
  });

  it("are found in turn among all open requests, also if this engine has never worked for them", async () => {
    const requests = await addRequests(600);
    const stray = requests.at(-1) as number;
    await master.updates.buildrequests.claim([stray]);
    await look();
    await look();
    expect(await claimed()).toEqual([stray]);
    await look();
    expect(await claimed()).toEqual([]);
  });
});
