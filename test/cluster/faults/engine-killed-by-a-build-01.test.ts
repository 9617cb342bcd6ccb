import { expect, it } from "vitest";
import { findViolations } from "../../harness/checks.ts";
import { startCluster } from "../../harness/cluster.ts";
import { temporaryDirectory } from "../../harness/temporary-directory.ts";
import { waitFor } from "../../harness/wait-for.ts";

const config = "test/cluster/configs/killing/cluster.ts";

it("a build that kills its engine takes three of them down, and no fourth", async () => {
  const cluster = await startCluster({ config, router: false, env: { BASEDIR: temporaryDirectory("local") } });
  const front = await cluster.master({ roles: ["ui", "scheduler"], name: "front" });
  await front.waitReady();
  await front.apiPost("forceschedulers/force", "force", { builderNames: ["kill"], reason: "test" });
  for (const name of ["one", "two", "three"]) {
    const engine = await cluster.master({ roles: ["builder-engine"], name });
    expect(await engine.process.waitForExit({ timeoutMs: 90_000 })).toMatchObject({ signal: "SIGKILL" });
  }
  const fourth = await cluster.master({ roles: ["builder-engine"], name: "four" });
  await fourth.waitReady();
  await waitFor(async () => (await cluster.rows("select 1 from buildrequests where complete = 1")).length === 1, {
    what: "the request to end",
    timeoutMs: 60_000,
  });
  const builds = await cluster.rows<{ results: number; state_string: string }>(
    "select results, state_string from builds order by id",
  );
  expect(builds.map(({ results }) => results)).toEqual([5, 5, 4]);
  const { body } = await front.api<{ waiting: { reasons: { sentence: string }[] }[] }>("buildrequests/1/why");
  for (const told of [builds[2]?.state_string, body.waiting[0]?.reasons[0]?.sentence])
    expect(told).toMatch(/master three was lost; a master was lost 3 times.*maxEngineDeaths/);
  expect(fourth.process.exit()).toBeUndefined();
  expect(await findViolations(cluster)).toEqual([]);
});
