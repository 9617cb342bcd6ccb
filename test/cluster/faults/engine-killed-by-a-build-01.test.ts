import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { findViolations } from "../../harness/checks.ts";
import { startCluster } from "../../harness/cluster.ts";
import type { TestMaster } from "../../harness/master.ts";
import { temporaryDirectory } from "../../harness/temporary-directory.ts";
import { waitFor } from "../../harness/wait-for.ts";

const config = "test/cluster/configs/killing/cluster.ts";

/** Forces a build as soon as the scheduler has published its form, which may be a moment after its master is ready. */
async function forceBuild(front: TestMaster, builder: string): Promise<void> {
  const force = () => front.apiPost("forceschedulers/force", "force", { builderNames: [builder], reason: "test" });
  await waitFor(async () => (await force()).status === 200, { what: "the form of the scheduler" });
}

it("a build that kills its engine takes three of them down, and no fourth", async () => {
  const cluster = await startCluster({ config, router: false, env: { BASEDIR: temporaryDirectory("local") } });
  const front = await cluster.master({ roles: ["ui", "scheduler"], name: "front" });
  await front.waitReady();
  await forceBuild(front, "kill");
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

it("a build that runs beside it on two engines ends well: on its last try it runs with no other that was lost as often", async () => {
  const [begun, gate] = [join(temporaryDirectory("begun"), "begun"), join(temporaryDirectory("gate"), "open")];
  const cluster = await startCluster({
    config,
    router: false,
    env: {
      BASEDIR: temporaryDirectory("local"),
      KILL_WHEN: `until [ -e '${begun}' ] || [ -e '${gate}' ]; do sleep 0.1; done`,
      BESIDE: `touch '${begun}'; until [ -e '${gate}' ]; do sleep 0.1; done`,
    },
  });
  const front = await cluster.master({ roles: ["ui", "scheduler"], name: "front" });
  await front.waitReady();
  for (const builder of ["kill", "beside"]) await forceBuild(front, builder);
  for (const name of ["one", "two"]) {
    const engine = await cluster.master({ roles: ["builder-engine"], name });
    await engine.process.waitForExit({ timeoutMs: 90_000 });
    rmSync(begun);
  }
  const third = await cluster.master({ roles: ["builder-engine"], name: "three" });
  const why = async () => (await front.api<{ waiting: { reasons: { kind: string }[] }[] }>("buildrequests/2/why")).body;
  await waitFor(async () => (await why()).waiting[0]?.reasons[0]?.kind === "last_try", {
    what: "the other request to wait for the last try of the first",
    timeoutMs: 60_000,
  });
  writeFileSync(gate, "");
  await third.process.waitForExit({ timeoutMs: 90_000 });
  await cluster.master({ roles: ["builder-engine"], name: "four" });
  await waitFor(async () => (await cluster.rows("select 1 from buildrequests where complete = 1")).length === 2, {
    what: "both requests to end",
    timeoutMs: 60_000,
  });
  expect(await cluster.rows("select results from buildrequests order by id")).toEqual([{ results: 4 }, { results: 0 }]);
  expect(await findViolations(cluster)).toEqual([]);
});
