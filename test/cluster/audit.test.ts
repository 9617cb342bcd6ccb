import { expect, it } from "vitest";
import { findViolations } from "../harness/checks.ts";
import { configFile, startCluster } from "../harness/cluster.ts";
import { isLong } from "../harness/long-form.ts";
import { runMaster } from "../harness/run-master.ts";
import { waitFor } from "../harness/wait-for.ts";

const config = "test/cluster/configs/ledger/cluster.ts";
const builds = isLong ? 200 : 16;

interface Audit {
  checks: string[];
  findings: { check: string; total: number; ids: number[] }[];
}

it("master audit finds nothing in a cluster under load and after an engine's death, and says what was damaged", async () => {
  const cluster = await startCluster({
    config,
    env: { POLL: "no", WORKERS: "a1,a2,b1,b2", WORK: "for i in 1 2 3; do echo $i; sleep 0.3; done" },
  });
  async function audit(...args: string[]) {
    const { code, stdout } = await runMaster(["audit", "--config", configFile(config), ...args], cluster.env);
    return { code, output: stdout };
  }
  const findings = async () => {
    const { code, output } = await audit("--json");
    const { findings: found } = JSON.parse(output) as Audit;
    expect([code, found]).toEqual([0, []]);
  };

  const front = await cluster.master({ roles: ["ui", "scheduler"], name: "front" });
  await front.waitReady();
  const doomed = await cluster.master({ roles: ["builder-engine"], name: "doomed" });
  const survivor = await cluster.master({ roles: ["builder-engine"], name: "survivor" });
  await Promise.all([cluster.workers(doomed, front, ["a1", "a2"]), cluster.workers(survivor, front, ["b1", "b2"])]);
  const isComplete = async (n: number) =>
    (await cluster.rows("select 1 from buildrequests where complete = 1")).length >= n;
  for (let i = 0; i < builds; i++)
    await front.apiPost("forceschedulers/force", "force", { builderNames: ["job", "other"], reason: "load" });
  await waitFor(() => isComplete(2), { what: "the first builds to end", timeoutMs: 60_000 });
  await findings();
  await doomed.kill9();
  while (!(await isComplete(builds * 2))) await findings();
  await findings();
  expect(await findViolations(cluster)).toEqual([]);

  await cluster.rows("update builds set results = 0 where results = 5");
  await cluster.rows("delete from logchunks where logid = (select min(logid) from logchunks)");
  const text = await audit("--since", "1h");
  expect(text).toMatchObject({ code: 1, output: expect.stringContaining("checks, 2 with findings.") });
  expect(text.output).toMatch(
    /build requests? (was|were) run more than once, though not to repeat (it|them)\.\n {2}ids: +\d/,
  );
  expect(text.output).toContain("A log has another number of lines than it says.\n");
  const only = await audit("--json", "--check", "log-lines-miscounted");
  expect(JSON.parse(only.output)).toMatchObject({ checks: ["log-lines-miscounted"], findings: [{ total: 1 }] });
});

it("master audit explains in a sentence what it cannot do", async () => {
  const wrong = async (...args: string[]) => {
    const { code, stderr } = await runMaster(["audit", "--config", configFile(config), ...args], {
      DATABASE_URL: "postgresql://nobody@127.0.0.1:1/nothing",
    });
    return { code, output: stderr };
  };
  expect(await wrong()).toMatchObject({ code: 3, output: expect.stringContaining("cannot be reached") });
  expect(await wrong("--grace", "soon")).toMatchObject({
    code: 2,
    output: expect.stringContaining('Give seconds, or a text like "90s"'),
  });
  expect(await wrong("--check", "nonsense")).toMatchObject({
    code: 2,
    output: expect.stringContaining('There is no check "nonsense"'),
  });
});
