// What the page of a branch reads: the state of each builder, and its builds as a tree.
import { type Result, Results } from "@multimaster/core";
import type { BranchBuilder } from "@multimaster/data";
import { beforeAll, describe, expect, it } from "vitest";
import { aWorker, type Member, startMasters } from "../../harness/masters-with-data.ts";
import { type RestServer, startRestServer } from "../../harness/rest-server.ts";
import { engines } from "../../harness/test-databases.ts";

describe.each(engines)("a branch on %s", (engine) => {
  let member: Member;
  let server: RestServer;
  let workerid: number;
  beforeAll(async () => {
    const masters = await startMasters(engine);
    member = await masters.join();
    await masters.join();
    server = await startRestServer(masters.database);
    workerid = await aWorker(member);
    await member.updates.builders.configure(
      ["unit", "nightly", "part", "docs"].map((name) => ({
        name,
        description: null,
        tags: [],
        project: "shop",
        workers: [],
      })),
    );
  });

  const commit = async (branch: string, revision: string) =>
    (await member.updates.changes.add({ author: "Ann", comments: revision, revision, branch, repository: "r" }))
      .changeid;

  async function ask(builder: string, branch: string, revision: string | null, parent?: number): Promise<number> {
    const { requests } = await member.updates.buildsets.add({
      reason: "test",
      sourceStamps: [{ branch, revision, repository: "r", project: "", codebase: "" }],
      builders: [builder],
      scheduler: null,
      parentBuildid: parent ?? null,
    });
    return Object.values(requests)[0] as number;
  }

  async function begin(buildrequestid: number): Promise<number> {
    await member.updates.buildrequests.claim([buildrequestid]);
    const build = await member.updates.builds.create({ buildrequestid, workerid });
    if (build === "lost") throw new Error("the build was not created");
    return build.buildid;
  }

  const finish = (buildid: number, results: Result) =>
    member.updates.builds.finish(buildid, { results, state: "done" });

  async function build(builder: string, branch: string, revision: string, results: Result, parent?: number) {
    const buildid = await begin(await ask(builder, branch, revision, parent));
    await finish(buildid, results);
    return buildid;
  }

  async function read(branch: string): Promise<BranchBuilder[]> {
    const { status, body } = await server.get(`/api/v2/branch_builders/${encodeURIComponent(branch)}`);
    expect(status).toBe(200);
    return body.branch_builders;
  }

  const byName = (rows: readonly BranchBuilder[]) => Object.fromEntries(rows.map((row) => [row.builder, row]));
  const drawn = ({ builds }: BranchBuilder) =>
    builds.map(
      ({ depth, builder, number, results }) => `${"  ".repeat(depth)}${builder} #${number ?? "?"} ${results ?? "open"}`,
    );

  it("shows of each builder the build of the newest source, whatever ended last or was built of other branches", async () => {
    const branch = "feature/a";
    await commit(branch, "a1");
    await commit(branch, "a2");
    const newest = await build("unit", branch, "a2", Results.SUCCESS);
    await build("unit", branch, "a1", Results.FAILURE);
    const old = await build("docs", branch, "a1", Results.FAILURE);
    await commit("other", "o1");
    await build("unit", "other", "o1", Results.EXCEPTION);
    const { unit, docs, nightly } = byName(await read(branch));
    expect(unit).toMatchObject({ buildid: newest, results: 0, failing: false, behind: false, configured: true });
    expect(unit?.builds.map(({ revision }) => revision)).toEqual(["a2"]);
    expect(docs).toMatchObject({ buildid: old, results: 2, failing: true, behind: true });
    expect(nightly).toBeUndefined();
    expect(unit?.projectid).toEqual(expect.any(Number));
    expect(await read("feature")).toEqual([]);
  });

  it("counts what runs and what waits of it, also of builders that never built it", async () => {
    const branch = "feature/open";
    await commit(branch, "b1");
    await ask("unit", branch, "b1");
    const running = await begin(await ask("docs", branch, "b1"));
    const waits = await ask("docs", branch, null);
    const { unit, docs } = byName(await read(branch));
    expect(unit).toMatchObject({ buildid: null, results: null, running: 0, waiting: 1 });
    expect(unit?.builds).toMatchObject([{ buildid: null, complete: false, started_at: null }]);
    expect(docs).toMatchObject({ running: 1, waiting: 1 });
    expect(docs?.builds.map(({ buildrequestid, buildid }) => [buildrequestid === waits, buildid])).toEqual([
      [false, running],
      [true, null],
    ]);
    await finish(running, Results.SUCCESS);
    expect(byName(await read(branch))["docs"]).toMatchObject({ buildid: running, results: 0, running: 0, waiting: 1 });
  });

  it("shows what a build triggered below it, failed ones first, and nowhere else", async () => {
    const branch = "feature/tree";
    await commit(branch, "t1");
    const parent = await begin(await ask("nightly", branch, "t1"));
    const unit = await build("unit", branch, "t1", Results.SUCCESS, parent);
    for (let i = 0; i < 30; i += 1)
      await build("part", branch, "t1", i === 25 ? Results.FAILURE : Results.SUCCESS, parent);
    const part = await begin(await ask("part", branch, "t1", parent));
    await build("docs", branch, "t1", Results.EXCEPTION, unit);
    await finish(parent, Results.FAILURE);
    const rows = byName(await read(branch));
    const lines = drawn(rows["nightly"] as BranchBuilder);
    const [failed] =
      rows["nightly"]?.builds.filter(({ builder, results }) => builder === "part" && results === 2) ?? [];
    expect(lines.slice(0, 3)).toEqual([
      "nightly #1 2",
      `  part #${failed?.number} 2`,
      expect.stringMatching(/^ {2}part #\d+ open$/),
    ]);
    expect(lines.slice(3, 6)).toEqual([
      expect.stringMatching(/^ {2}unit #\d+ 0$/),
      expect.stringMatching(/^ {4}docs #\d+ 4$/),
      expect.stringMatching(/^ {2}part #\d+ 0$/),
    ]);
    // Twenty of the 32 are listed, and one below one of them.
    expect(lines).toHaveLength(22);
    expect(rows["nightly"]?.builds[0]).toMatchObject({ children: 32, children_failed: 1, children_more: false });
    expect(rows["unit"]?.builds).toEqual([]);
    expect(rows["docs"]).toMatchObject({ results: 4, failing: true, builds: [] });
    expect(rows["part"]).toMatchObject({ running: 1, builds: [] });
    await finish(part, Results.SUCCESS);
  });

  it("shows a retried request as one that waits", async () => {
    const branch = "feature/retry";
    await commit(branch, "r1");
    const first = await begin(await ask("unit", branch, "r1"));
    await finish(first, Results.RETRY);
    expect(byName(await read(branch))["unit"]).toMatchObject({
      running: 0,
      waiting: 1,
      builds: [{ buildid: null, results: null }],
    });
  });

  it("takes names that are longer than the index, and those of several codebases apart", async () => {
    const branch = `feature/${"x".repeat(230)}`;
    await commit(branch, "l1");
    const built = await build("unit", branch, "l1", Results.SUCCESS);
    expect(byName(await read(branch))["unit"]).toMatchObject({ buildid: built });
    expect(await read(`${branch}y`)).toEqual([]);
    const { requests } = await member.updates.buildsets.add({
      reason: "test",
      sourceStamps: ["app", "lib"].map((codebase, i) => ({
        branch: `b${i}`,
        revision: null,
        repository: "r",
        project: "",
        codebase,
      })),
      builders: ["docs"],
      scheduler: null,
    });
    await finish(await begin(Object.values(requests)[0] as number), Results.SUCCESS);
    expect(byName(await read("app: b0, lib: b1"))["docs"]).toMatchObject({ results: 0 });
    expect(await read("b0")).toEqual([]);
  });
});
