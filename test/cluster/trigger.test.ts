import { existsSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { findViolations } from "../harness/checks.ts";
import { startCluster, type TestCluster } from "../harness/cluster.ts";
import type { TestMaster } from "../harness/master.ts";
import { temporaryDirectory } from "../harness/temporary-directory.ts";
import { waitFor } from "../harness/wait-for.ts";

const patient = { timeoutMs: 90_000 };

/** Two teams' engines: one builds parents, the other the children that they wait for. */
describe("a build that waits for a child which another engine builds", () => {
  const place = temporaryDirectory("trigger");
  const gate = join(place, "gate");
  const bad = join(place, "bad");
  let cluster: TestCluster;
  let front: TestMaster;
  let parents: TestMaster;

  beforeAll(async () => {
    cluster = await startCluster({
      config: "test/cluster/configs/ledger/cluster.ts",
      router: "own",
      env: { WORKERS: "p1,p2,c1", POLL: "no", WORK: `until [ -e ${gate} ]; do sleep 0.2; done; [ ! -e ${bad} ]` },
    });
    front = await cluster.master({ roles: ["ui", "scheduler"], name: "front" });
    parents = await cluster.master({ roles: ["builder-engine"], builders: ["parents"], name: "parents" });
    const children = await cluster.master({ roles: ["builder-engine"], builders: ["all"], name: "children" });
    await Promise.all([front, parents, children].map((master) => master.waitReady()));
    await Promise.all([cluster.workers(parents, front, ["p1"]), cluster.workers(children, front, ["c1"])]);
    await waitFor(async () => (await cluster.rows("select 1 from mm_triggerable_schedulers")).length === 1, {
      what: "the triggerable scheduler to be known",
      ...patient,
    });
  });
  beforeEach(() => {
    for (const file of [gate, bad]) if (existsSync(file)) rmSync(file);
  });

  /** Forces a parent and waits until its child runs; returns the child's number and the parent's id. */
  async function forceParent(): Promise<{ number: number; buildid: number }> {
    await front.apiPost("forceschedulers/force", "force", { builderNames: ["parent"], reason: "test" });
    const [{ number }] = (await waitFor(
      async () => {
        const rows = await cluster.rows<{ number: number }>(
          "select b.number from builds b join builders n on n.id = b.builderid where n.name = 'child' and b.complete_at is null",
        );
        return rows.length > 0 && cluster.ledger.lines().includes(`begin child ${rows[0]?.number}`) && rows;
      },
      { what: "the child to run", ...patient },
    )) as [{ number: number }];
    const [parent] = await running("parent");
    return { number, buildid: parent?.id as number };
  }
  const running = (builder: string) =>
    cluster.rows<{ id: number; master: string }>(
      `select b.id, m.name as master from builds b join builders n on n.id = b.builderid join masters m on m.id = b.masterid
        where n.name = '${builder}' and b.complete_at is null order by b.id`,
    );
  const ended = () =>
    waitFor(async () => (await cluster.rows("select 1 from buildrequests where complete = 0")).length === 0, {
      what: "all requests to be complete",
      ...patient,
    });
  /** Results of parents and children, oldest first. */
  async function results(): Promise<Record<string, number[]>> {
    const rows = await cluster.rows<{ name: string; results: number }>(
      "select n.name, b.results from builds b join builders n on n.id = b.builderid order by b.id",
    );
    return Object.fromEntries(
      ["parent", "child"].map((name) => [name, rows.filter((row) => row.name === name).map((row) => row.results)]),
    );
  }

  it("ends after it and as it does, and each leads to the other", async () => {
    const { number, buildid } = await forceParent();
    expect(cluster.ledger.lines()).toEqual([`begin parent ${number}`, `begin child ${number}`]);
    writeFileSync(gate, "");
    await ended();
    expect(cluster.ledger.lines().slice(-2)).toEqual([`end child ${number}`, `end parent ${number}`]);
    expect(await results()).toEqual({ parent: [0], child: [0] });
    const { body: triggered } = await front.api<{ builds: { buildid: number }[] }>(
      `builds/${buildid}/triggered_builds`,
    );
    expect(triggered.builds).toHaveLength(1);
    const { body } = await front.api<{ steps: { state_string: string; urls: { name: string; url: string }[] }[] }>(
      `builds/${buildid}/steps/children`,
    );
    expect(body.steps[0]).toMatchObject({
      state_string: "triggered children, 1 success",
      urls: [
        { name: "children #2", url: "#/buildrequests/2" },
        { name: `success: child #${number}`, url: expect.stringMatching(/^#\/builders\/\d+\/builds\/1$/) },
      ],
    });
    const sets = "select parent_buildid, parent_relationship from buildsets where parent_buildid is not null";
    expect(await cluster.rows(sets)).toEqual([{ parent_buildid: buildid, parent_relationship: "Triggered from" }]);
  });

  it("fails with it", async () => {
    await forceParent();
    writeFileSync(bad, "");
    writeFileSync(gate, "");
    await ended();
    expect(await results()).toEqual({ parent: [0, 2], child: [0, 2] });
  });

  it("takes it along when it is stopped", async () => {
    const { buildid } = await forceParent();
    await front.apiPost(`builds/${buildid}`, "stop", { reason: "not needed" });
    await ended();
    expect(await results()).toEqual({ parent: [0, 2, 6], child: [0, 2, 6] });
  });

  it("finds it again when its own engine was killed: the child is run once", async () => {
    const { number, buildid } = await forceParent();
    const heir = await cluster.master({ roles: ["builder-engine"], builders: ["parents"], name: "heir" });
    await cluster.workers(heir, front, ["p2"]);
    await parents.kill9();
    const [second] = await waitFor(
      async () => {
        const rows = await running("parent");
        return rows[0]?.master === "heir" && rows;
      },
      { what: "the parent to run again", ...patient },
    );
    // Only when the second attempt waits as well, so that it is the end of a running child that it hears of.
    await waitFor(
      async () =>
        (await cluster.rows(`select 1 from buildsets where complete = 0 and parent_buildid = ${second?.id}`)).length ===
        1,
      { what: "the second attempt to adopt the child", ...patient },
    );
    writeFileSync(gate, "");
    await ended();
    expect(second?.id).toBeGreaterThan(buildid);
    expect(await results()).toEqual({ parent: [0, 2, 6, 5, 0], child: [0, 2, 6, 0] });
    expect(cluster.ledger.lines().filter((line) => line.includes(`child ${number}`))).toEqual([
      `begin child ${number}`,
      `end child ${number}`,
    ]);
  });

  it("hears of its end without the router", async () => {
    await forceParent();
    await cluster.crossbar.kill();
    writeFileSync(gate, "");
    await ended();
    expect(await results()).toEqual({ parent: [0, 2, 6, 5, 0, 0], child: [0, 2, 6, 0, 0] });
    expect(await findViolations(cluster)).toEqual([]);
  });
});
