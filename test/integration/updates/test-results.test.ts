import { LeaseLost } from "@multimaster/cluster";
import { equals, findItems, type NewTestResult, testRuns } from "@multimaster/data";
import { execute } from "@multimaster/database";
import { beforeEach, describe, expect, it } from "vitest";
import { type Member, runningBuild, startMasters, type TestMasters } from "../../harness/masters-with-data.ts";
import { engines } from "../../harness/test-databases.ts";

const second = 1_000_000_000;
const result = (name: string | null, value: string, more: Partial<NewTestResult> = {}): NewTestResult => ({
  name,
  value,
  path: null,
  line: null,
  durationNs: null,
  ...more,
});

describe.each(engines)("results of tests, on %s", (engine) => {
  let masters: TestMasters;
  let member: Member;
  let place: { buildid: number; stepid: number };
  const kind = { description: "unit tests", category: "pass_fail", valueUnit: "boolean" };

  beforeEach(async () => {
    masters = await startMasters(engine);
    member = await masters.join();
    const { buildid } = await runningBuild(member);
    const { stepid } = await member.updates.steps.begin({ buildid, name: "junit" });
    place = { buildid, stepid };
    await masters.takeTopics();
  });

  const stored = (setid: number) =>
    masters.rows<{ name: string; path: string; value: string }>(
      `select n.name, p.path, r.line, r.value from test_results r left join test_names n on n.id = r.test_nameid
         left join test_code_paths p on p.id = r.test_code_pathid where r.test_result_setid = ? order by r.id`,
      [setid],
    );

  it("are a set that is published, filled and completed, in Buildbot's words", async () => {
    const { testResults: updates } = member.updates;
    const { setid } = await updates.add({ ...place, ...kind });
    await updates.append(setid, 0, [result("t.ok", "1", { path: "src/t.c", line: 10, durationNs: 1200 })]);
    await updates.append(setid, 1, [result("t.bad", "0"), result(null, "1")]);
    await updates.complete(setid, { passed: 2, failed: 1 });
    expect(await stored(setid)).toEqual([
      { name: "t.ok", path: "src/t.c", line: 10, value: "1" },
      { name: "t.bad", path: null, line: null, value: "0" },
      { name: null, path: null, line: null, value: "1" },
    ]);
    const topic = `test_result_sets.${setid}`;
    expect(await masters.takeTopics()).toEqual([`${topic}.new`, `${topic}.completed`]);
    const [set] = await masters.rows("select * from test_result_sets");
    expect(set).toMatchObject({
      ...place,
      id: setid,
      description: "unit tests",
      category: "pass_fail",
      value_unit: "boolean",
      tests_passed: 2,
      tests_failed: 1,
      complete: 1,
    });
  });

  it("are published with the counts once they are known", async () => {
    const { testResults: updates } = member.updates;
    const { setid } = await updates.add({ ...place, ...kind });
    // An event shows the row as it is when the event is sent, so the first one leaves before the row changes.
    await member.updates.close();
    await updates.complete(setid, { passed: 0, failed: 0 });
    await member.updates.close();
    expect(masters.messages.map(({ payload }) => payload)).toMatchObject([
      { test_result_setid: setid, tests_passed: null, tests_failed: null, complete: false },
      { test_result_setid: setid, tests_passed: 0, tests_failed: 0, complete: true },
    ]);
  });

  it("name a test and a file once for each builder, however many builds and masters report it", async () => {
    const others = await masters.join();
    const elsewhere = await runningBuild(others);
    const other = {
      buildid: elsewhere.buildid,
      ...(await others.updates.steps.begin({ buildid: elsewhere.buildid, name: "junit" })),
    };
    const many = Array.from({ length: 1200 }, (_, i) => result(`test ${i % 600}`, "1", { path: `src/${i % 7}.c` }));
    await Promise.all(
      [[member, place] as const, [others, other] as const].map(async ([{ updates }, { buildid, stepid }]) => {
        const { setid } = await updates.testResults.add({ buildid, stepid, ...kind });
        await updates.testResults.append(setid, 0, many);
      }),
    );
    expect(await masters.value("select count(*) from test_results")).toBe(2400);
    expect(await masters.value("select count(*) from test_names")).toBe(600);
    expect(await masters.value("select count(*) from test_code_paths")).toBe(7);
  });

  it("are written once when an answer was lost and they are written again", async () => {
    const { testResults: updates } = member.updates;
    const { setid } = await updates.add({ ...place, ...kind });
    expect(await updates.add({ ...place, ...kind })).toEqual({ setid });
    await updates.append(setid, 0, [result("a", "1")]);
    await updates.append(setid, 0, [result("a", "1")]);
    await updates.append(setid, 1, [result("b", "1")]);
    await updates.complete(setid, { passed: 2, failed: 0 });
    await updates.complete(setid, { passed: 2, failed: 0 });
    await updates.append(setid, 1, [result("b", "1")]);
    expect((await stored(setid)).map(({ name }) => name)).toEqual(["a", "b"]);
    expect(await masters.takeTopics(/completed/)).toHaveLength(1);
    await expect(updates.append(setid, 2, [result("c", "1")])).rejects.toThrow("it has 2 and is complete");
    await expect(updates.append(setid, 5, [result("c", "1")])).rejects.toThrow("it has 2");
  });

  it("hold whatever a test may be called, and how long it may take", async () => {
    const { testResults: updates } = member.updates;
    const { setid } = await updates.add({ ...place, ...kind });
    const odd = ["", "é\0\ud800", "😀".repeat(5000), "x".repeat(5000)];
    const hour = 3600 * second;
    await updates.append(setid, 0, [
      ...odd.map((name) => result(name, "1", { path: name })),
      result("slow", "1", { durationNs: hour, line: 2 ** 40 }),
    ]);
    const { rows = [] } = (await findItems(testRuns, masters.database, { filters: [equals("name", "slow")] })) ?? {};
    expect(rows).toMatchObject([{ duration_ns: hour, outcome: "pass" }]);
    expect(await masters.value("select max(duration_ns) from test_results")).toBe(2 ** 31 - 1);
    expect(await stored(setid)).toHaveLength(5);
  });

  it("can be read however long they say that they took, also as an earlier release has stored it", async () => {
    const { testResults: updates } = member.updates;
    const { setid } = await updates.add({ ...place, ...kind });
    const most = Number.MAX_SAFE_INTEGER;
    const told = [0, 1.5, -1, -Infinity, NaN, 2 ** 31 - 1, 2 ** 31, most, 2 ** 53, 548_392_417e9, 1e300, Infinity];
    const kept = [0, 1, 0, 0, 0, 2 ** 31 - 1, 2 ** 31, most, most, most, most, most];
    await updates.append(
      setid,
      0,
      told.map((durationNs, i) => result(`t${i}`, "fail", { durationNs })),
    );
    await updates.complete(setid, { passed: 0, failed: told.length });
    const read = async () => {
      const { rows = [] } = (await findItems(testRuns, masters.database)) ?? {};
      return rows.map((row) => (row as { duration_ns: number }).duration_ns);
    };
    expect(await read()).toEqual(kept);
    for (const raw of [548_392_417e9, 1e300, -1e300]) {
      await execute(masters.database, "update mm_long_tests set duration_ns = ?", [raw]);
      const expected = raw < 0 ? 0 : most;
      expect(await read()).toEqual(kept.map((ns) => (ns > 2 ** 31 - 1 ? expected : ns)));
      expect(
        await masters.rows("select count(*) as n, sum(cast(9007199254740993 as bigint)) as s from test_results"),
      ).toEqual([{ n: told.length, s: expect.any(Number) }]);
    }
  });

  it("and all other texts that a step hands in are cut to what a page can show", async () => {
    const { steps, builds, logs, testResults } = member.updates;
    const { buildid, stepid } = place;
    const long = "x".repeat(100_000);
    await steps.setState(stepid, long);
    await builds.setState(buildid, long);
    await steps.addUrl(stepid, long, "https://example.org/");
    await steps.addUrl(stepid, "too long to lead anywhere", `https://example.org/${long}`);
    for (let i = 0; i < 3; i += 1) await steps.addUrl(stepid, `${i}`, "https://example.org/");
    await logs.add({ stepid, name: long, type: "t" });
    await testResults.add({ ...place, description: long, category: long, valueUnit: long });
    const lengths = await masters.rows<Record<string, number>>(
      `select length(s.state_string) as state, length(s.urls_json) as urls, length(b.state_string) as build, length(l.name) as log,
         length(t.description) as description, length(t.category) as category, length(t.value_unit) as unit
         from steps s join builds b on b.id = s.buildid join logs l on l.stepid = s.id
         join test_result_sets t on t.stepid = s.id where s.id = ?`,
      [stepid],
    );
    for (const length of Object.values(lengths[0] ?? {})) expect(length).toBeLessThanOrEqual(1000);
    await steps.finish(stepid, { results: 0, state: long, hidden: false });
    await builds.finish(buildid, { results: 0, state: long });
    expect(await masters.value("select max(length(state_string)) from builds")).toBe(1000);
    expect(await masters.value("select max(length(state_string)) from steps")).toBe(1000);
  });

  it("are refused from a master that has not got the build, and fenced off from one that was evicted", async () => {
    const { setid } = await member.updates.testResults.add({ ...place, ...kind });
    const other = await masters.join();
    await expect(other.updates.testResults.add({ ...place, ...kind })).rejects.toThrow("does not run on this master");
    await masters.evict(member);
    const { testResults: updates } = member.updates;
    await expect(updates.add({ ...place, ...kind })).rejects.toThrow(LeaseLost);
    await expect(updates.append(setid, 0, [result("late", "1")])).rejects.toThrow(LeaseLost);
    await expect(updates.complete(setid, { passed: 1, failed: 0 })).rejects.toThrow(LeaseLost);
    expect(await masters.rows("select complete, tests_passed from test_result_sets")).toEqual([
      { complete: 0, tests_passed: null },
    ]);
    expect(await masters.value("select count(*) from test_results")).toBe(0);
    expect(await masters.value("select count(*) from test_names")).toBe(0);
  });
});
