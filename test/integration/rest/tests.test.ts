import { Results } from "@multimaster/core";
import { beforeAll, describe, expect, it } from "vitest";
import { type Member, runningBuild, startMasters } from "../../harness/masters-with-data.ts";
import { type RestServer, startRestServer } from "../../harness/rest-server.ts";
import { engines } from "../../harness/test-databases.ts";

const second = 1_000_000_000;
/** How tests ended in one build: pass, fail, error, skip or - for not run, by name. */
type Outcomes = Readonly<Record<string, string>>;

interface Run {
  name: string;
  number: number;
}

describe.each(engines)("tests over many builds, on %s", (engine) => {
  let server: RestServer;
  let member: Member;
  let ids: Readonly<Record<string, number>>;

  beforeAll(async () => {
    const masters = await startMasters(engine);
    member = await masters.join();
    server = await startRestServer(masters.database);
    const webs: Outcomes[] = [
      { steady: "pass", flaky: "fail", broken: "pass", repaired: "fail", gone: "fail", skipped: "skip" },
      { steady: "pass", flaky: "pass", broken: "pass", repaired: "fail", skipped: "skip" },
      { steady: "pass", flaky: "fail", broken: "error", repaired: "pass", skipped: "skip", slow: "pass" },
    ];
    for (const [i, outcomes] of webs.entries()) await build("web", outcomes, `rev${i + 1}`);
    // Of Buildbot's own steps.
    await build("api", { steady: "1", flaky: "0" }, null, "boolean");
    await build("bench", { speed: "0" }, null, "seconds", "performance");
    // A set that is not complete says nothing yet.
    await build("api", { steady: "0" }, null, "boolean", "pass_fail", false);
    const { body } = await server.get("/api/v2/builders");
    ids = Object.fromEntries(
      body.builders.map((each: { name: string; builderid: number }) => [each.name, each.builderid]),
    );
  });

  async function build(
    builder: string,
    outcomes: Outcomes,
    revision: string | null,
    valueUnit = "outcome",
    category = "pass_fail",
    complete = true,
  ): Promise<void> {
    const { updates } = member;
    const { buildid } = await runningBuild(member, builder);
    if (revision !== null) await updates.builds.setProperties(buildid, { got_revision: [revision, "Git"] });
    const { stepid } = await updates.steps.begin({ buildid, name: "junit" });
    const { setid } = await updates.testResults.add({ buildid, stepid, description: "junit", category, valueUnit });
    const results = Object.entries(outcomes).map(([name, value]) => ({
      name,
      value,
      path: `src/${name}.ts`,
      line: 7,
      durationNs: name === "slow" ? 90 * second : 1000,
    }));
    await updates.testResults.append(setid, 0, results);
    if (complete) await updates.testResults.complete(setid, { passed: 0, failed: 0 });
    await updates.builds.finish(buildid, { results: Results.SUCCESS, state: "done" });
  }

  const names = async (path: string) => {
    const { status, body } = await server.get(`/api/v2/${path}`);
    expect(status).toBe(200);
    return (body.test_runs ?? body.flaky_tests) as Run[];
  };

  it("fail now if they did in the newest build of their builder that tested anything", async () => {
    const { body } = await server.get("/api/v2/tests/failing?order=builder&order=name");
    expect(body.test_runs).toMatchObject([
      { builder: "api", name: "flaky", outcome: "fail", number: 1, revision: null },
      {
        builder: "web",
        name: "broken",
        outcome: "error",
        number: 3,
        step_number: 0,
        code_path: "src/broken.ts",
        line: 7,
        duration_ns: 1000,
        revision: "rev3",
      },
      { builder: "web", name: "flaky", outcome: "fail", number: 3 },
    ]);
    expect((await names(`builders/${ids["api"]}/tests/failing`)).map(({ name }) => name)).toEqual(["flaky"]);
    expect((await names("tests/failing?name__contains=rok")).map(({ name }) => name)).toEqual(["broken"]);
  });

  it("are flaky if they failed and passed by turns, which one that broke or was repaired did not", async () => {
    const { body } = await server.get("/api/v2/tests/flaky");
    expect(body.flaky_tests).toMatchObject([
      { builder: "web", name: "flaky", runs: 3, failures: 2, turns: 2, outcomes: ["fail", "pass", "fail"] },
    ]);
    expect(await names(`builders/${ids["web"]}/tests/flaky`)).toHaveLength(1);
    expect(await names(`builders/${ids["api"]}/tests/flaky`)).toEqual([]);
  });

  it("are slow beyond what Buildbot's column can hold, the slowest first", async () => {
    const { body } = await server.get("/api/v2/tests/slowest?limit=1");
    expect(body.test_runs).toMatchObject([{ name: "slow", duration_ns: 90 * second, builder: "web", number: 3 }]);
    expect((await names(`builders/${ids["web"]}/tests/slowest`)).map(({ name }) => name)).not.toContain("skipped");
    expect(await names(`builders/${ids["api"]}/tests/slowest`)).toHaveLength(2);
  });

  it("have a history, newest first, with what each build had checked out", async () => {
    const [flaky] = (await server.get("/api/v2/tests/flaky")).body.flaky_tests;
    const { body } = await server.get(`/api/v2/tests/${flaky.testid}/runs?order=-test_result_setid&limit=50`);
    const runs = body.test_runs.map((run: Record<string, unknown>) => [run["number"], run["outcome"], run["revision"]]);
    expect(runs).toEqual([
      [3, "fail", "rev3"],
      [2, "pass", "rev2"],
      [1, "fail", "rev1"],
    ]);
    const { body: test } = await server.get(`/api/v2/tests/${flaky.testid}`);
    expect(test.tests).toEqual([{ testid: flaky.testid, builderid: ids["web"], builder: "web", name: "flaky" }]);
    expect((await server.get("/api/v2/tests/999999")).status).toBe(404);
    expect((await server.get("/api/v2/tests/99999999999999999999")).status).toBe(404);
    for (const list of ["failing", "flaky", "slowest"])
      expect(await names(`builders/99999999999999999999/tests/${list}`), list).toEqual([]);
  });

  it("are all that a build has tested, failed ones first", async () => {
    const [{ buildid }] = (await server.get(`/api/v2/builders/${ids["web"]}/builds/3`)).body.builds;
    const runs = await names(`builds/${buildid}/tests?order=outcome&order=name`);
    expect(runs.map(({ name }) => name)).toEqual(["broken", "flaky", "repaired", "slow", "steady", "skipped"]);
    const [bench] = (await server.get(`/api/v2/builders/${ids["bench"]}/builds`)).body.builds;
    expect(await names(`builds/${bench.buildid}/tests`)).toEqual([]);
  });

  it("belong to builds: who may not see these sees no test, by whatever path", async () => {
    const masters = await startMasters(engine);
    const closed = await startRestServer(masters.database, {
      authorization: { rules: [{ allow: "read", on: "builds", to: [] }], otherwise: "allow" },
    });
    for (const path of [
      "tests/failing",
      "tests/flaky",
      "tests/slowest",
      "tests/1",
      "tests/1/runs",
      "builders/1/tests/flaky",
    ])
      expect((await closed.get(`/api/v2/${path}`)).status, path).toBe(403);
  });
});
