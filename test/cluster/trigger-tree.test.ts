import { beforeAll, describe, expect, it } from "vitest";
import { findViolations } from "../harness/checks.ts";
import { startCluster, type TestCluster } from "../harness/cluster.ts";
import type { TestMaster } from "../harness/master.ts";
import { waitFor } from "../harness/wait-for.ts";

const leaves = 50;
const patient = { timeoutMs: 120_000 };

describe("a build that waits for fifty children, half of them with a lock, on two engines", () => {
  let cluster: TestCluster;
  let front: TestMaster;
  let engines: Readonly<Record<string, TestMaster>>;

  beforeAll(async () => {
    cluster = await startCluster({
      config: "test/cluster/configs/farm/cluster.ts",
      env: { WORKERS: "w1,w2", LEAVES: String(leaves), MAX_BUILDS: "6" },
    });
    front = await cluster.master({ roles: ["ui", "scheduler"], name: "front" });
    await front.waitReady();
    engines = {
      one: await cluster.master({ roles: ["builder-engine"], name: "one" }),
      two: await cluster.master({ roles: ["builder-engine"], name: "two" }),
    };
    await cluster.ownWorkers(engines["one"] as TestMaster, front, ["w1"]);
    await cluster.ownWorkers(engines["two"] as TestMaster, front, ["w2"]);
    // Those that go by the clock have no part in this.
    for (const name of ["often", "minute"]) {
      const [row] = await cluster.rows<{ id: number }>(`select id from schedulers where name = '${name}'`);
      await front.apiPost(`schedulers/${row?.id}`, "enable", { enabled: false });
    }
  });

  /** Forces the tree, and returns its build when some of the children have ended on each engine, and not all. */
  async function forceTree(): Promise<{ id: number; master: string }> {
    const ended = async () =>
      (
        await cluster.rows<{ count: number }>(
          "select count(*)::int as count from buildrequests where waited_for = 1 and complete = 1",
        )
      )[0]?.count ?? 0;
    const before = await ended();
    await front.apiPost("forceschedulers/force", "force", { builderNames: ["tree"], reason: "test" });
    await waitFor(async () => (await ended()) - before > 5, { what: "some children to have ended", ...patient });
    const [tree] = await cluster.rows<{ id: number; master: string }>(
      `select b.id, m.name as master from builds b join builders n on n.id = b.builderid join masters m on m.id = b.masterid
        where n.name = 'tree' and b.complete_at is null`,
    );
    return tree as { id: number; master: string };
  }

  const waitUntilAllEnded = () =>
    waitFor(async () => (await cluster.rows("select 1 from buildsets where complete = 0")).length === 0, {
      what: "everything to have ended",
      ...patient,
    });

  /** How the tree, its children and the buildset that it triggered have ended. */
  async function readResults(tree: number) {
    const [parent] = await cluster.rows<{ results: number }>(`select results from builds where id = ${tree}`);
    const [set] = await cluster.rows<{ results: number }>(
      `select results from buildsets where parent_buildid = ${tree}`,
    );
    const children = await cluster.rows<{ results: number }>(
      `select r.results from buildrequests r join buildsets s on s.id = r.buildsetid where s.parent_buildid = ${tree}`,
    );
    const of = (wanted: number) => children.filter(({ results }) => results === wanted).length;
    return { tree: parent?.results, children: set?.results, succeeded: of(0), cancelled: of(6), all: children.length };
  }

  it("ends with all of them when a user stops it in the middle", async () => {
    const { id } = await forceTree();
    await front.apiPost(`builds/${id}`, "stop", { reason: "enough" });
    await waitUntilAllEnded();
    const { succeeded, cancelled, ...results } = await readResults(id);
    expect(results).toEqual({ tree: 6, children: 6, all: leaves });
    expect(succeeded).toBeGreaterThan(5);
    expect(succeeded + cancelled).toBe(leaves);
    expect(await cluster.rows("select 1 from mm_lock_holds")).toEqual([]);
  });

  it("goes on while its engine drains in the middle, and the other one runs what is left", async () => {
    const { id, master } = await forceTree();
    const [row] = await cluster.rows<{ id: number }>(`select id from masters where name = '${master}'`);
    await front.apiPost(`masters/${row?.id}`, "drain", {});
    expect(await engines[master]?.process.waitForExit(patient)).toMatchObject({ code: 0 });
    await waitUntilAllEnded();
    expect(await readResults(id)).toEqual({ tree: 0, children: 0, succeeded: leaves, cancelled: 0, all: leaves });
    const engineCount = await cluster.rows(
      `select distinct b.masterid from builds b join buildrequests r on r.id = b.buildrequestid
         join buildsets s on s.id = r.buildsetid where s.parent_buildid = ${id}`,
    );
    expect(engineCount).toHaveLength(2);
    expect(await cluster.rows("select 1 from builds where results = 5")).toEqual([]);
    expect(await findViolations(cluster, { schedulersTakeAllChanges: false })).toEqual([]);
  });
});
